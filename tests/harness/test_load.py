"""The load generator counts what a server does, against real servers on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import websockets.asyncio.server

from tests.harness.load import Holders, Load, TargetRefused, is_container, local, main

Behave = Callable[["Request"], Awaitable[None]]
WITHIN = 0.4
"""The tests' time limit for an answer, in place of five seconds."""


class Request:
    """What the server saw of one request, and the ways to answer it."""

    def __init__(self, number: int, connection: int, head: bytes, body: bytes, writer: asyncio.StreamWriter) -> None:
        self.number, self.connection = number, connection
        self.method, self.path = head.split(b" ")[:2]
        self.body, self.writer = body, writer

    async def answer(self, status: int = 200, release: str = "r1", body: bytes = b"hello") -> None:
        head = f"HTTP/1.1 {status} Some\r\nX-Switchyard-Release: {release}\r\nContent-Length: {len(body)}\r\n\r\n"
        self.writer.write(head.encode() + body)
        await self.writer.drain()

    def reset(self) -> None:
        linger = struct.pack("ii", 1, 0)
        self.writer.get_extra_info("socket").setsockopt(1, 13, linger)
        self.writer.transport.abort()


# The tests' own server may still hold a socket when its loop ends on a busy machine.
pytestmark = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore:unclosed:ResourceWarning"
)


class Server:
    """An HTTP server in a thread, which answers as ``behave`` does and remembers what it was asked."""

    def __init__(self, behave: Behave, idle: float | None = None) -> None:
        self.behave, self.idle = behave, idle
        self.seen: list[Request] = []
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        connection = self.connections
        try:
            while True:
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), self.idle)
                length = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
                body = await reader.readexactly(int(length[0].split(b":")[1])) if length else b""
                request = Request(len(self.seen), connection, head, body, writer)
                self.seen.append(request)
                await self.behave(request)
                if b"connection: close" in head.lower() or writer.is_closing():
                    break
        except (asyncio.IncompleteReadError, asyncio.TimeoutError, ConnectionError):
            pass  # the client has gone, or said nothing for the idle time
        finally:
            writer.close()


@contextlib.contextmanager
def in_thread(start: Callable[[], Awaitable[Any]]) -> Iterator[int]:
    """Run an asyncio server in a thread; gives its port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(as_coroutine(start), loop).result(5)
    try:
        yield next(iter(server.sockets)).getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(wind_down(server), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def as_coroutine(start: Callable[[], Awaitable[Any]]) -> Any:
    return await start()


async def wind_down(server: Any) -> None:
    server.close()
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(server.wait_closed(), 0.2)
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        await asyncio.wait(others, timeout=0.2)
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0)  # what they closed closes in the next turn of the loop


@contextlib.contextmanager
def serving(server: Server) -> Iterator[str]:
    with in_thread(lambda: asyncio.start_server(server.serve, "127.0.0.1", 0)) as port:
        yield f"http://127.0.0.1:{port}"


def post(id: str) -> tuple[str, bytes]:
    return "/games", json.dumps({"id": id}).encode()


async def well(request: Request) -> None:
    await request.answer()


def test_a_good_server_gets_every_request_once_and_none_fails() -> None:
    server = Server(well)
    with serving(server) as base:
        summary = Load(base, rate=100, seconds=0.6, get=lambda number: f"/{number}", post=post).start().join()
    assert (summary.sent, summary.failed, summary.errors) == (60, 0, {})
    assert len(server.seen) == 60
    assert sorted(json.loads(seen.body)["id"] for seen in server.seen if seen.method == b"POST") == sorted(
        summary.ids_answered
    )
    assert len(set(summary.ids_sent)) == 30
    assert summary.releases["r1"].count == 60


def test_half_of_the_requests_of_each_method_open_a_connection_of_their_own() -> None:
    server = Server(well)
    with serving(server) as base:
        summary = Load(base, rate=100, seconds=0.4, post=post, get=lambda _: "/").start().join()
    kinds = {(record.method, record.fresh) for record in summary.records}
    assert kinds == {(method, fresh) for method in ("GET", "POST") for fresh in (True, False)}
    used = [seen.connection for seen in server.seen]
    alone = sum(1 for connection in set(used) if used.count(connection) == 1)
    assert alone >= 20
    assert server.connections < 30


def test_a_status_outside_200_to_299_is_a_failure() -> None:
    async def unavailable_at_times(request: Request) -> None:
        await request.answer(503 if request.number % 4 == 0 else 201)

    server = Server(unavailable_at_times)
    with serving(server) as base:
        summary = Load(base, rate=100, seconds=0.4).start().join()
    assert (summary.sent, summary.failed, summary.errors) == (40, 10, {"status 503": 10})


def test_a_reset_is_a_failure_and_is_not_sent_again() -> None:
    async def reset_some(request: Request) -> None:
        if request.number % 5 == 0:
            request.reset()
        else:
            await request.answer()

    server = Server(reset_some)
    with serving(server) as base:
        summary = Load(base, rate=100, seconds=0.5, post=post).start().join()
    assert (summary.sent, summary.failed, len(server.seen)) == (50, 10, 50)
    assert all(error.startswith("reset") for error in summary.errors)
    assert len(summary.ids_sent) - len(summary.ids_answered) == 10


def test_an_answer_that_ends_in_its_middle_is_a_failure() -> None:
    async def half(request: Request) -> None:
        request.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        await request.writer.drain()
        request.writer.close()

    with serving(Server(half)) as base:
        summary = Load(base, rate=50, seconds=0.2).start().join()
    assert summary.errors == {"reset: closed before the answer was whole": 10}


def test_an_answer_after_the_limit_is_a_failure_and_holds_up_no_other_request() -> None:
    async def late_once(request: Request) -> None:
        if request.number == 5:
            await asyncio.sleep(2 * WITHIN)
        await request.answer()

    server = Server(late_once)
    with serving(server) as base:
        summary = Load(base, rate=50, seconds=1.0, answer_within=WITHIN).start().join()
    assert (summary.sent, summary.errors) == (50, {f"no answer within {WITHIN} s": 1})
    assert WITHIN <= summary.failures[0].latency < 2 * WITHIN


def test_requests_are_sent_on_time_while_nothing_answers() -> None:
    async def never(_: Request) -> None:
        await asyncio.sleep(60)

    server = Server(never)
    with serving(server) as base:
        summary = Load(base, rate=100, seconds=0.5, answer_within=WITHIN).start().join()
        assert len(server.seen) == 50
    assert (summary.sent, summary.failed) == (50, 50)
    assert summary.most_late < WITHIN
    assert summary.longest_gap == pytest.approx(summary.seconds)


def test_nobody_listening_is_a_failure_of_each_request() -> None:
    with serving(Server(well)) as base:
        pass
    summary = Load(base, rate=50, seconds=0.2).start().join()
    assert (summary.sent, summary.failed) == (10, 10)
    assert all(error.startswith("connect") for error in summary.errors)


def test_a_connection_that_the_server_closed_while_idle_is_opened_anew_before_a_request_is_sent() -> None:
    server = Server(well, idle=0.03)
    with serving(server) as base:
        summary = Load(base, rate=8, seconds=1.0).start().join()
    assert (summary.sent, summary.failed, server.connections) == (8, 0, 8)


def test_bodies_in_chunks_and_bodies_until_the_end_are_read_whole() -> None:
    async def by_turns(request: Request) -> None:
        if request.number % 2:
            chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
            request.writer.write(b"HTTP/1.1 103 Early\r\n\r\n" + chunks)
        else:
            request.writer.write(b"HTTP/1.1 200 OK\r\n\r\nhello")
            request.writer.close()

    with serving(Server(by_turns)) as base:
        summary = Load(base, rate=50, seconds=0.4).start().join()
    assert (summary.sent, summary.errors) == (20, {})


def test_what_is_no_http_answer_is_a_failure() -> None:
    async def nonsense(request: Request) -> None:
        request.writer.write(b"SMTP ready\r\n\r\n")

    with serving(Server(nonsense)) as base:
        summary = Load(base, rate=50, seconds=0.1).start().join()
    assert summary.failed == summary.sent == 5
    assert all(error.startswith("malformed") for error in summary.errors)


def test_the_summary_tells_when_each_release_answered() -> None:
    async def switched(request: Request) -> None:
        await request.answer(release="r1" if request.number < 20 else "r2")

    with serving(Server(switched)) as base:
        summary = Load(base, rate=50, seconds=1.0).start().join()
    first, second = summary.releases["r1"], summary.releases["r2"]
    assert (first.count, second.count) == (20, 30)
    assert first.first < first.last < second.first < second.last
    assert sum(count for counts in summary.timeline.values() for count in counts.values()) == 50


def test_stop_ends_the_load_early_and_leaves_no_request_unanswered() -> None:
    server = Server(well)
    with serving(server) as base:
        load = Load(base, rate=50, seconds=600).start()
        while len(server.seen) < 10:
            threading.Event().wait(0.01)
        summary = load.stop()
        again = load.stop()
    assert 10 <= summary.sent == len(server.seen) < 500
    assert summary.failed == 0
    assert again == summary


def test_a_mistake_in_a_callback_is_raised_and_no_failure_of_the_server() -> None:
    def broken(_: int) -> str:
        raise KeyError("path")

    with serving(Server(well)) as base, pytest.raises(KeyError):
        Load(base, rate=10, seconds=0.2, get=broken).start().join()


def test_on_the_command_line_the_summary_is_json_and_a_failure_the_exit_code(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def no_posts(request: Request) -> None:
        await request.answer(200 if request.method == b"GET" else 405)

    with serving(Server(no_posts)) as base:
        command = [base, "--rate", "50", "--seconds", "0.2"]
        assert main([*command, "--get", "/ratings"]) == 0
        assert main([*command, "--post", "/games"]) == 1
    printed = capsys.readouterr().out
    end = json.JSONDecoder().raw_decode(printed)[1]
    assert json.loads(printed[:end])["failed"] == 0
    assert json.loads(printed[end:])["errors"] == {"status 405": 10}


@pytest.mark.parametrize(
    "base",
    ["http://example.com", "http://1.1.1.1", "http://192.0.2.7:80", "https://127.0.0.1", "127.0.0.1:80", "http://"],
)
def test_another_machine_is_refused(base: str) -> None:
    with pytest.raises(TargetRefused):
        Load(base)


@pytest.mark.parametrize("base", ["http://localhost:8000", "http://127.0.0.2:8000", "http://[::1]:8000/app"])
def test_loopback_is_accepted(base: str) -> None:
    assert local(base, "http").geturl() == base


def test_only_addresses_on_a_bridge_of_docker_count_as_containers(tmp_path: Path) -> None:
    routes = tmp_path / "route"
    routes.write_text(
        "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
        + route("eth0", "0.0.0.0", "10.0.0.1", "0.0.0.0")
        + route("eth0", "10.0.0.0", "0.0.0.0", "255.255.255.0")
        + route("br-1234", "172.18.0.0", "0.0.0.0", "255.255.0.0")
    )
    accepted = [
        address
        for address in ("172.18.0.5", "172.19.0.5", "10.0.0.9", "8.8.8.8", "::1")
        if is_container(ipaddress.ip_address(address), routes)
    ]
    assert accepted == ["172.18.0.5"]


def route(name: str, destination: str, gateway: str, mask: str) -> str:
    numbers = [f"{struct.unpack('=I', ipaddress.IPv4Address(word).packed)[0]:08X}" for word in (destination, gateway)]
    masked = f"{struct.unpack('=I', ipaddress.IPv4Address(mask).packed)[0]:08X}"
    return "\t".join([name, *numbers, "0001", "0", "0", "0", masked, "0", "0", "0"]) + "\n"


@pytest.mark.parametrize("bounds", [{"seconds": 1e6}, {"rate": 1e6}, {"rate": 0}, {"seconds": 0}])
def test_a_load_without_bounds_is_refused(bounds: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="at most"):
        Load("http://127.0.0.1:1", **bounds)


async def echo(socket: Any) -> None:
    async for message in socket:
        await socket.send(message)


@contextlib.contextmanager
def echoing(handler: Callable[[Any], Awaitable[None]] = echo) -> Iterator[str]:
    with in_thread(lambda: websockets.asyncio.server.serve(handler, "127.0.0.1", 0)) as port:
        yield f"ws://127.0.0.1:{port}"


@pytest.mark.parametrize("message", [None, lambda number: f"message {number}"], ids=["ping", "message"])
def test_websockets_exchange_until_they_are_stopped_and_none_is_cut(message: Callable[[int], str] | None) -> None:
    with echoing() as url:
        summary = Holders(url, 3, message=message, every=0.05, seconds=0.5).start().join()
    assert (summary.opened, summary.cuts) == (3, ())
    assert all(held.exchanges >= 3 for held in summary.holders)


def test_a_cut_websocket_is_reported_and_not_opened_again() -> None:
    async def cut_the_third(socket: Any) -> None:
        for _ in range(2):
            await socket.send(await socket.recv())
        await socket.close(1012)

    with echoing(cut_the_third) as url:
        summary = Holders(url, 2, message=str, every=0.02, seconds=5).start().join()
    assert [held.exchanges for held in summary.cuts] == [2, 2]
    assert summary.seconds < 5


def test_a_websocket_without_an_answer_is_cut() -> None:
    async def silent(socket: Any) -> None:
        await socket.wait_closed()

    with echoing(silent) as url:
        summary = Holders(url, 1, message=str, answer_within=WITHIN, seconds=5).start().join()
    assert [held.error for held in summary.cuts] == [f"no answer within {WITHIN} s"]
