"""Open-loop load: requests at fixed times whatever the answers do, each sent once, and websockets held open.

As a library ``Load`` and ``Holders`` run in a thread of their own between ``start()`` and ``stop()``; by hand:
``python -m tests.harness.load http://127.0.0.1:8000 --get /ratings --seconds 10``.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ipaddress
import itertools
import json
import struct
import sys
import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

import websockets.asyncio.client
import websockets.exceptions

MOST_REQUESTS = 400_000
MOST_SECONDS = 3_600.0
MOST_HOLDERS = 500
ANSWER_SECONDS = 5.0
STOP_SECONDS = 0.1
"""How long a stop may go unnoticed."""
RELEASE_HEADER = "x-switchyard-release"
ROUTES = Path("/proc/net/route")

Get = Callable[[int], str]
"""The path of the n-th request."""
Post = Callable[[str], tuple[str, bytes]]
"""Path and body of the request that carries this id."""


class TargetRefused(ValueError):
    """The address is neither loopback nor on a network of this machine's containers."""


@dataclass
class Record:
    """One request; times in seconds since the load began, ``latency`` in seconds since its own start."""

    number: int
    method: str
    fresh: bool
    scheduled: float
    start: float = 0.0
    latency: float = 0.0
    status: int | None = None
    release: str | None = None
    id: str | None = None
    error: str | None = None

    @property
    def end(self) -> float:
        return self.start + self.latency


@dataclass(frozen=True)
class Span:
    """The requests that one release answered, by the time at which they were sent."""

    first: float
    last: float
    count: int


@dataclass(frozen=True)
class Summary:
    """What became of all requests; ``records`` has each of them."""

    began: float
    """Wall time in seconds since the epoch."""
    seconds: float
    sent: int
    failed: int
    errors: Mapping[str, int]
    releases: Mapping[str, Span]
    timeline: Mapping[int, Mapping[str, int]]
    """By second since the begin: how many requests each release answered; failures stand under ``failed``."""
    longest_gap: float
    """The longest time in seconds between two good answers, begin and end included."""
    most_late: float
    """By how many seconds at most the generator itself sent later than scheduled."""
    ids_sent: tuple[str, ...]
    ids_answered: tuple[str, ...]
    records: tuple[Record, ...] = field(repr=False)

    @property
    def failures(self) -> tuple[Record, ...]:
        return tuple(record for record in self.records if record.error is not None)

    def as_json(self) -> str:
        """Everything but the single records and the ids."""
        fields = {name: value for name, value in self.__dict__.items() if name not in ("records", "releases")}
        ids = {name: len(fields[name]) for name in ("ids_sent", "ids_answered")}
        releases = {name: asdict(span) for name, span in self.releases.items()}
        return json.dumps({**fields, **ids, "releases": releases}, indent=2)


class Background:
    """A coroutine in a thread of its own, from ``start()`` until ``stop()`` or its own end."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped: asyncio.Event | None = None
        self._ready = threading.Event()
        self._failure: BaseException | None = None

    async def _work(self, stopped: asyncio.Event) -> None:
        raise NotImplementedError

    def __enter__(self) -> Any:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> Any:
        if self._thread is not None:
            raise RuntimeError("already started")
        self._thread = threading.Thread(target=self._main, name=type(self).__name__, daemon=True)
        self._thread.start()
        self._ready.wait()
        return self

    def stop(self) -> Any:
        """Begin nothing new, wait for what is under way, and return the summary; safe to call twice."""
        self._halt()
        return self.join()

    def join(self) -> Any:
        """Wait for the end of the load and return the summary."""
        if self._thread is None:
            raise RuntimeError("never started")
        self._thread.join()
        if self._failure is not None:
            raise self._failure
        return self.summary()

    def summary(self) -> Any:
        raise NotImplementedError

    def _halt(self) -> None:
        if self._loop is not None and self._stopped is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended by itself
                self._loop.call_soon_threadsafe(self._stopped.set)

    def _main(self) -> None:
        try:
            asyncio.run(self._guarded())
        except BaseException as failure:
            self._failure = failure
        finally:
            self._ready.set()

    async def _guarded(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        self._ready.set()
        await self._work(self._stopped)


@dataclass
class Kept:
    """A connection and its two halves."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def is_open(self) -> bool:
        return not (self.reader.at_eof() or self.reader.exception() or self.writer.is_closing())


@dataclass(frozen=True)
class Answer:
    """What one response said, its body left out."""

    status: int
    release: str | None
    reusable: bool


class Load(Background):
    """``rate`` requests a second, every second one on a connection of its own, ``get`` and ``post`` in turn."""

    def __init__(
        self,
        base: str,
        *,
        rate: float = 200.0,
        seconds: float = 600.0,
        get: Get | None = None,
        post: Post | None = None,
        answer_within: float = ANSWER_SECONDS,
        release_header: str = RELEASE_HEADER,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self._target = local(base, "http")
        if not 0 < seconds <= MOST_SECONDS or not 0 < rate * seconds <= MOST_REQUESTS:
            raise ValueError(f"at most {MOST_SECONDS:.0f} seconds and {MOST_REQUESTS} requests, both above 0")
        if get is None and post is None:
            get = whole_site
        self._rate, self._seconds, self._within = rate, seconds, answer_within
        self._get, self._post = get, post
        self._release_header = release_header.lower().encode()
        self._headers = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        self._idle: deque[Kept] = deque()
        self.records: list[Record] = []
        self.began = 0.0
        self.seconds = 0.0

    async def _work(self, stopped: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        self.began, self._zero = time.time(), loop.time()
        running: set[asyncio.Task[None]] = set()
        for number in range(max(1, round(self._rate * self._seconds))):
            scheduled = number / self._rate
            if not await self._due(scheduled, stopped):
                break
            record = self._record(number, scheduled)
            self.records.append(record)
            task = loop.create_task(self._request(record))
            running.add(task)
            task.add_done_callback(running.discard)
        if running:
            await asyncio.gather(*running)
        self.seconds = self._now()
        for kept in self._idle:
            kept.writer.close()
        await asyncio.sleep(0)  # the transports close in the next turn of the loop

    async def _due(self, scheduled: float, stopped: asyncio.Event) -> bool:
        """Wait until ``scheduled``; false once the load is stopped."""
        while (wait := scheduled - self._now()) > 0 and not stopped.is_set():
            await asyncio.sleep(min(wait, STOP_SECONDS))
        return not stopped.is_set()

    def _now(self) -> float:
        return asyncio.get_running_loop().time() - self._zero

    def _record(self, number: int, scheduled: float) -> Record:
        posts = self._post is not None and (self._get is None or number // 2 % 2 == 1)
        return Record(number, "POST" if posts else "GET", number % 2 == 0, scheduled, id=new_id() if posts else None)

    async def _request(self, record: Record) -> None:
        record.start = self._now()
        try:
            answer = await asyncio.wait_for(self._exchange(record), self._within)
        except asyncio.TimeoutError:
            record.error = f"no answer within {self._within:g} s"
        except ConnectFailed as failure:
            record.error = f"connect: {failure}"
        except asyncio.IncompleteReadError:
            record.error = "reset: closed before the answer was whole"
        except OSError as failure:
            record.error = f"reset: {reason(failure)}"
        except (ValueError, asyncio.LimitOverrunError) as failure:
            record.error = f"malformed: {failure}"
        else:
            record.status, record.release = answer.status, answer.release
            if not 200 <= answer.status < 300:
                record.error = f"status {answer.status}"
        record.latency = self._now() - record.start

    async def _exchange(self, record: Record) -> Answer:
        kept = await self._connection(record.fresh)
        try:
            kept.writer.write(self._message(record))
            await kept.writer.drain()
            answer = await read_answer(kept.reader, self._release_header)
        except BaseException:
            kept.writer.transport.abort()
            raise
        if answer.reusable and not record.fresh:
            self._idle.append(kept)
        else:
            kept.writer.close()
        return answer

    async def _connection(self, fresh: bool) -> Kept:
        """A new connection, or the longest idle one; one that the server closed while idle is passed over unsent."""
        while self._idle and not fresh:
            kept = self._idle.popleft()
            if kept.is_open():
                return kept
            kept.writer.close()
        try:
            return Kept(*await asyncio.open_connection(self._target.hostname, self._target.port or 80))
        except OSError as failure:
            raise ConnectFailed(reason(failure)) from failure

    def _message(self, record: Record) -> bytes:
        if record.id is not None and self._post is not None:
            path, body = self._post(record.id)
        else:
            path, body = (self._get or whole_site)(record.number), b""
        lines = f"{record.method} {self._target.path.rstrip('/')}{path} HTTP/1.1\r\nHost: {self._target.netloc}\r\n"
        lines += self._headers + ("Connection: close\r\n" if record.fresh else "")
        if record.method == "POST":
            lines += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        return f"{lines}\r\n".encode() + body

    def summary(self) -> Summary:
        return summarise(self.records, self.began, self.seconds)


class ConnectFailed(Exception):
    """No connection could be made, so nothing was sent."""


def whole_site(_: int) -> str:
    return "/"


def new_id() -> str:
    return str(uuid.uuid4())


def reason(failure: OSError) -> str:
    return failure.strerror or str(failure) or type(failure).__name__


async def read_answer(reader: asyncio.StreamReader, release_header: bytes) -> Answer:
    """Read one HTTP/1.1 response whole; raises where the connection ends in its middle."""
    status = 100
    while status < 200:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head[:-4].split(b"\r\n")
        version, status = parse_status(first)
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
    closes = await skip_body(reader, status, headers)
    said = headers.get(b"connection", b"").lower()
    reusable = not closes and said != b"close" and (version != b"HTTP/1.0" or said == b"keep-alive")
    release = headers.get(release_header)
    return Answer(status, release.decode("latin-1") if release is not None else None, reusable)


def parse_status(line: bytes) -> tuple[bytes, int]:
    version, _, rest = line.partition(b" ")
    if not version.startswith(b"HTTP/1.") or not rest[:3].isdigit():
        raise ValueError(f"no HTTP answer: {line[:40]!r}")
    return version, int(rest[:3])


async def skip_body(reader: asyncio.StreamReader, status: int, headers: Mapping[bytes, bytes]) -> bool:
    """Read the body; true where the end of the connection is its end."""
    if status in (204, 304):
        return False
    if headers.get(b"transfer-encoding", b"").lower() == b"chunked":
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            await reader.readexactly(size + 2)
        while await reader.readuntil(b"\r\n") != b"\r\n":
            pass
        return False
    if b"content-length" in headers:
        await reader.readexactly(int(headers[b"content-length"]))
        return False
    while await reader.read(65536):
        pass
    return True


def summarise(records: list[Record], began: float, seconds: float) -> Summary:
    sent = sorted(records, key=lambda record: record.start)
    failed = [record for record in sent if record.error is not None]
    timeline: dict[int, Counter[str]] = {}
    spans: dict[str, Span] = {}
    for record in sent:
        start = record.start
        name = "failed" if record.error is not None else record.release or "none"
        timeline.setdefault(int(start), Counter())[name] += 1
        if record.release is not None:
            before = spans.get(record.release, Span(start, start, 0))
            spans[record.release] = Span(before.first, start, before.count + 1)
    return Summary(
        began=began,
        seconds=seconds,
        sent=len(sent),
        failed=len(failed),
        errors=dict(Counter(record.error or "" for record in failed)),
        releases=spans,
        timeline={second: dict(counts) for second, counts in timeline.items()},
        longest_gap=longest_gap([record.end for record in sent if record.error is None], seconds),
        most_late=max((record.start - record.scheduled for record in sent), default=0.0),
        ids_sent=tuple(record.id for record in sent if record.id is not None),
        ids_answered=tuple(record.id for record in sent if record.id is not None and record.error is None),
        records=tuple(sent),
    )


def longest_gap(times: list[float], seconds: float) -> float:
    marks = [0.0, *sorted(times), max([seconds, *times])]
    return max(later - earlier for earlier, later in itertools.pairwise(marks))


@dataclass
class Held:
    """One websocket: its exchanges, and when and why it was cut, in seconds since the begin; None if it never was."""

    number: int
    opened: float | None = None
    exchanges: int = 0
    cut: float | None = None
    error: str | None = None


@dataclass(frozen=True)
class HeldSummary:
    began: float
    seconds: float
    holders: tuple[Held, ...]

    @property
    def opened(self) -> int:
        return sum(1 for held in self.holders if held.opened is not None)

    @property
    def cuts(self) -> tuple[Held, ...]:
        return tuple(held for held in self.holders if held.cut is not None)

    @property
    def exchanges(self) -> int:
        return sum(held.exchanges for held in self.holders)


class Holders(Background):
    """``count`` websockets that exchange a message every ``every`` seconds until one side ends; none is opened again.

    With ``message`` the server must answer each with a message; without, it is a ping, which any server answers.
    """

    def __init__(
        self,
        url: str,
        count: int,
        *,
        message: Callable[[int], str | bytes] | None = None,
        every: float = 1.0,
        seconds: float = 600.0,
        answer_within: float = ANSWER_SECONDS,
        headers: Mapping[str, str] | None = None,
        subprotocols: tuple[str, ...] = (),
    ) -> None:
        super().__init__()
        local(url, "ws")
        if not 0 < count <= MOST_HOLDERS or not 0 < seconds <= MOST_SECONDS or every <= 0:
            raise ValueError(f"at most {MOST_HOLDERS} holders and {MOST_SECONDS:.0f} seconds, all above 0")
        self._url, self._message, self._every = url, message, every
        self._seconds, self._within = seconds, answer_within
        self._headers, self._subprotocols = headers, subprotocols
        self.holders = [Held(number) for number in range(count)]
        self.began = 0.0
        self.seconds = 0.0

    async def _work(self, stopped: asyncio.Event) -> None:
        self.began, self._zero = time.time(), asyncio.get_running_loop().time()
        await asyncio.gather(*(self._hold(held, stopped) for held in self.holders))
        self.seconds = self._now()

    def _now(self) -> float:
        return asyncio.get_running_loop().time() - self._zero

    async def _hold(self, held: Held, stopped: asyncio.Event) -> None:
        try:
            async with self._connect() as socket:
                held.opened = self._now()
                await self._talk(socket, held, stopped)
        except asyncio.TimeoutError:
            held.cut, held.error = self._now(), f"no answer within {self._within:g} s"
        except (OSError, websockets.exceptions.WebSocketException) as failure:
            held.cut, held.error = self._now(), f"{type(failure).__name__}: {failure}"

    def _connect(self) -> websockets.asyncio.client.connect:
        return websockets.asyncio.client.connect(
            self._url,
            additional_headers=self._headers,
            subprotocols=[websockets.Subprotocol(name) for name in self._subprotocols] or None,
            open_timeout=self._within,
            close_timeout=1,
            ping_interval=None,
            max_size=None,
            proxy=None,
        )

    async def _talk(self, socket: Any, held: Held, stopped: asyncio.Event) -> None:
        drain = asyncio.create_task(swallow(socket)) if self._message is None else None
        try:
            while not stopped.is_set() and self._now() < self._seconds:
                await asyncio.wait_for(self._exchange(socket, held), self._within)
                held.exchanges += 1
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(stopped.wait(), self._every)
        finally:
            if drain is not None:
                drain.cancel()

    async def _exchange(self, socket: Any, held: Held) -> None:
        if self._message is None:
            await (await socket.ping())
        else:
            await socket.send(self._message(held.exchanges))
            await socket.recv()

    def summary(self) -> HeldSummary:
        return HeldSummary(self.began, self.seconds, tuple(self.holders))


async def swallow(socket: Any) -> None:
    """Take what the server sends, so that its pongs are not held up behind it."""
    with contextlib.suppress(websockets.exceptions.ConnectionClosed):
        async for _ in socket:
            pass


def local(url: str, scheme: str) -> SplitResult:
    """Parse a URL of this machine or of its containers; raises TargetRefused for any other."""
    parts = urlsplit(url)
    if parts.scheme != scheme or parts.hostname is None:
        raise TargetRefused(f"{url}: not a {scheme}:// address")
    host = "127.0.0.1" if parts.hostname == "localhost" else parts.hostname
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise TargetRefused(f"{url}: give an address, not a name") from None
    if not address.is_loopback and not is_container(address, ROUTES):
        raise TargetRefused(f"{url}: neither loopback nor on a network of this machine's containers")
    return parts


def is_container(address: ipaddress.IPv4Address | ipaddress.IPv6Address, routes: Path) -> bool:
    """Whether the address is private and lies on a bridge that Docker made on this machine."""
    if address.version != 4 or not address.is_private or not routes.exists():
        return False
    for line in routes.read_text().splitlines()[1:]:
        name, destination, gateway, *rest = line.split()
        bridge = name.startswith(("docker", "br-")) and gateway == "00000000"
        if bridge and address in ipaddress.ip_network(f"{native(destination)}/{native(rest[4])}"):
            return True
    return False


def native(number: str) -> ipaddress.IPv4Address:
    """An address as the kernel prints it: hexadecimal in this machine's byte order."""
    return ipaddress.IPv4Address(struct.pack("=I", int(number, 16)))


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.harness.load", description="Open-loop load on a local address."
    )
    parser.add_argument("base")
    parser.add_argument("--rate", type=float, default=200.0, help="requests a second (200)")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long (10)")
    parser.add_argument("--get", metavar="PATH", help="path of the GET requests")
    parser.add_argument("--post", metavar="PATH", help="path of the POST requests")
    parser.add_argument("--body", default='{"id": "ID"}', help="their body, with ID where the id goes")
    given = parser.parse_args(arguments)
    load = Load(given.base, rate=given.rate, seconds=given.seconds, get=path_of(given.get), post=body_of(given))
    load.start()
    try:
        summary = load.join()
    except KeyboardInterrupt:
        summary = load.stop()
    print(summary.as_json())
    return 1 if summary.failed else 0


def path_of(path: str | None) -> Get | None:
    return None if path is None else lambda _: path


def body_of(given: argparse.Namespace) -> Post | None:
    return None if given.post is None else lambda id: (given.post, given.body.replace("ID", id).encode())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
