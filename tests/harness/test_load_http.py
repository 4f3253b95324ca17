"""The load generator counts what a server does, against real servers on loopback."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest

from tests.harness.load.__main__ import main
from tests.harness.load.http import MOST_OPEN, Load
from tests.harness.loopback import Request, Server, serving

WITHIN = 0.4
"""The tests' time limit for an answer, in place of five seconds."""
# The tests' own server may still hold a socket when its loop ends on a busy machine.
pytestmark = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore:unclosed:ResourceWarning"
)


def post(name: str) -> tuple[str, bytes]:
    return "/games", json.dumps({"id": name}).encode()


async def well(request: Request) -> None:
    await request.answer()


def test_a_good_server_gets_every_request_once_and_none_fails() -> None:
    server = Server(well)
    with serving(server) as base:
        summary = Load(base, rate=100, seconds=0.6, get=lambda number: f"/{number}", post=post).start().join()
    assert (summary.sent, summary.failed, summary.errors) == (60, 0, {})
    assert len(server.requests) == 60
    assert sorted(json.loads(request.body)["id"] for request in server.requests if request.method == b"POST") == sorted(
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
    used = [request.connection for request in server.requests]
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
    assert (summary.sent, summary.failed, len(server.requests)) == (50, 10, 50)
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
        assert len(server.requests) == 50
    assert (summary.sent, summary.failed) == (50, 50)
    assert summary.most_late < WITHIN
    assert summary.longest_gap == pytest.approx(summary.seconds)


def test_no_more_requests_are_open_at_once_than_the_limit_and_none_is_made_up_for_later() -> None:
    async def never(_: Request) -> None:
        await asyncio.sleep(60)

    server = Server(never)
    with serving(server) as base:
        summary = Load(base, rate=1000, seconds=0.16, answer_within=WITHIN).start().join()
    starts = [record.start for record in summary.records]
    assert summary.sent == 160
    for first, after in zip(starts, starts[MOST_OPEN:], strict=False):
        assert after - first >= 0.9 * WITHIN, "a request was sent while others filled the limit"


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
        while len(server.requests) < 10:
            threading.Event().wait(0.01)
        summary = load.stop()
        again = load.stop()
    assert 10 <= summary.sent == len(server.requests) < 500
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


@pytest.mark.parametrize(("rate", "seconds"), [(200, 1e6), (1e6, 600), (0, 600), (200, 0)])
def test_a_load_without_bounds_is_refused(rate: float, seconds: float) -> None:
    with pytest.raises(ValueError, match="at most"):
        Load("http://127.0.0.1:1", rate=rate, seconds=seconds)
