"""Websockets of the load generator stay open, and a cut one is reported."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterator

import pytest
import websockets.asyncio.server
from websockets.asyncio.server import ServerConnection

from tests.harness.load.websocket import Holders
from tests.harness.loopback import in_thread

WITHIN = 0.4
"""The tests' time limit for an answer, in place of five seconds."""
# The tests' own server may still hold a socket when its loop ends on a busy machine.
pytestmark = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore:unclosed:ResourceWarning"
)


async def echo(socket: ServerConnection) -> None:
    async for message in socket:
        await socket.send(message)


@contextlib.contextmanager
def echoing(handler: Callable[[ServerConnection], Awaitable[None]] = echo) -> Iterator[str]:
    with in_thread(lambda: websockets.asyncio.server.serve(handler, "127.0.0.1", 0)) as port:
        yield f"ws://127.0.0.1:{port}"


@pytest.mark.parametrize("message", [None, lambda number: f"message {number}"], ids=["ping", "message"])
def test_websockets_exchange_until_they_are_stopped_and_none_is_cut(message: Callable[[int], str] | None) -> None:
    with echoing() as url:
        summary = Holders(url, 3, message=message, every=0.05, seconds=0.5).start().join()
    assert (summary.opened, summary.cuts) == (3, ())
    assert all(holder.exchanges >= 3 for holder in summary.holders)


def test_a_cut_websocket_is_reported_and_not_opened_again() -> None:
    async def cut_the_third(socket: ServerConnection) -> None:
        for _ in range(2):
            await socket.send(await socket.recv())
        await socket.close(1012)

    with echoing(cut_the_third) as url:
        summary = Holders(url, 2, message=str, every=0.02, seconds=5).start().join()
    assert [holder.exchanges for holder in summary.cuts] == [2, 2]
    assert summary.seconds < 5


def test_a_websocket_without_an_answer_is_cut() -> None:
    async def silent(socket: ServerConnection) -> None:
        await socket.wait_closed()

    with echoing(silent) as url:
        summary = Holders(url, 1, message=str, answer_within=WITHIN, seconds=5).start().join()
    assert [holder.error for holder in summary.cuts] == [f"no answer within {WITHIN} s"]
