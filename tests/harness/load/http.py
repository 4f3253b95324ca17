"""HTTP requests at a fixed rate."""

from __future__ import annotations

import asyncio
import ssl
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.harness.load.answer import Answer, read_answer
from tests.harness.load.background import Background
from tests.harness.load.summary import Record, Summary, summarise
from tests.harness.load.target import require_local

MOST_REQUESTS = 400_000
MOST_SECONDS = 3_600.0
ANSWER_SECONDS = 5.0
MOST_OPEN = 64
"""How many requests are open at once at most: users who wait do not ask again, and a slow machine cannot collapse."""
STOP_SECONDS = 0.1
"""How long a stop may go unnoticed."""
RELEASE_HEADER = "x-switchyard-release"

Get = Callable[[int], str]
"""The path of the n-th request."""
Post = Callable[[str], tuple[str, bytes]]
"""Path and body of the request that carries this id."""


@dataclass
class Connection:
    """A connection that may carry several requests."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def is_open(self) -> bool:
        return not (self.reader.at_eof() or self.reader.exception() or self.writer.is_closing())

    def end(self) -> None:
        """Close it after its last answer. With TLS, nobody waits for the other side to say that it closes too."""
        if self.writer.get_extra_info("ssl_object") is None:
            self.writer.close()
        else:
            self.writer.transport.abort()


class ConnectFailed(Exception):
    """The connection could not be made, so nothing was sent."""


class Load(Background[Summary]):
    """``rate`` requests a second, every second one on a connection of its own, ``get`` and ``post`` in turn.

    While ``MOST_OPEN`` requests are open, none is sent, and none is made up for later.
    """

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
        name: str = "",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Take what to send. ``name``: whom requests are for; empty for the host. ``tls``: who may answer there."""
        super().__init__()
        self._target = require_local(base, "http" if tls is None else "https")
        self._name, self._tls = name, tls
        if not 0 < seconds <= MOST_SECONDS or not 0 < rate * seconds <= MOST_REQUESTS:
            raise ValueError(f"at most {MOST_SECONDS:.0f} seconds and {MOST_REQUESTS} requests, both above 0")
        if get is None and post is None:
            get = front_page
        self._rate, self._seconds, self._within = rate, seconds, answer_within
        self._get, self._post = get, post
        self._release_header = release_header.lower().encode()
        self._headers = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        self._idle: deque[Connection] = deque()
        self.records: list[Record] = []
        self.began = 0.0
        self.seconds = 0.0

    async def _work(self, stopped: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        self.began, self._zero = time.time(), loop.time()
        running: set[asyncio.Task[None]] = set()
        scheduled = 0.0
        for number in range(max(1, round(self._rate * self._seconds))):
            if len(running) >= MOST_OPEN:
                await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                scheduled = max(scheduled, self._now())
            if not await self._wait_until(scheduled, stopped):
                break
            record = self._record(number, scheduled)
            self.records.append(record)
            task = loop.create_task(self._request(record))
            running.add(task)
            task.add_done_callback(running.discard)
            scheduled += 1 / self._rate
        if running:
            await asyncio.gather(*running)
        self.seconds = self._now()
        for connection in self._idle:
            connection.end()
        await asyncio.sleep(0)  # the transports close in the next turn of the loop

    async def _wait_until(self, scheduled: float, stopped: asyncio.Event) -> bool:
        """Wait, and return whether the load still runs."""
        while (wait := scheduled - self._now()) > 0 and not stopped.is_set():
            await asyncio.sleep(min(wait, STOP_SECONDS))
        return not stopped.is_set()

    def _now(self) -> float:
        return asyncio.get_running_loop().time() - self._zero

    def _record(self, number: int, scheduled: float) -> Record:
        posts = self._post is not None and (self._get is None or number // 2 % 2 == 1)
        name = str(uuid.uuid4()) if posts else None
        return Record(number, "POST" if posts else "GET", number % 2 == 0, scheduled, id=name)

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
        connection = await self._connection(record.fresh)
        try:
            connection.writer.write(self._message(record))
            await connection.writer.drain()
            answer = await read_answer(connection.reader, self._release_header)
        except BaseException:
            connection.writer.transport.abort()
            raise
        if answer.reusable and not record.fresh:
            self._idle.append(connection)
        else:
            connection.end()
        return answer

    async def _connection(self, fresh: bool) -> Connection:
        """Return a new connection, or the one that is idle longest and that the server has not closed meanwhile."""
        while self._idle and not fresh:
            connection = self._idle.popleft()
            if connection.is_open():
                return connection
            connection.end()
        try:
            host, port, name = self._target.hostname, self._target.port or 80, self._name if self._tls else None
            return Connection(*await asyncio.open_connection(host, port, ssl=self._tls, server_hostname=name))
        except OSError as failure:
            raise ConnectFailed(reason(failure)) from failure

    def _sends(self, record: Record) -> tuple[str, bytes]:
        """Return the path and the body of a request."""
        if record.id is not None and self._post is not None:
            return self._post(record.id)
        return (self._get or front_page)(record.number), b""

    def _message(self, record: Record) -> bytes:
        path, body = self._sends(record)
        name = self._name or self._target.netloc
        lines = f"{record.method} {self._target.path.rstrip('/')}{path} HTTP/1.1\r\nHost: {name}\r\n"
        lines += self._headers + ("Connection: close\r\n" if record.fresh else "")
        if record.method == "POST":
            lines += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        return f"{lines}\r\n".encode() + body

    def summary(self) -> Summary:
        return summarise(self.records, self.began, self.seconds)


def front_page(_: int) -> str:
    return "/"


def reason(failure: OSError) -> str:
    return failure.strerror or str(failure) or type(failure).__name__
