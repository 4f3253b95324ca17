"""Websockets that stay open."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import websockets.asyncio.client
import websockets.exceptions

from tests.harness.load.background import Background
from tests.harness.load.http import ANSWER_SECONDS, MOST_SECONDS
from tests.harness.load.target import require_local

MOST_HOLDERS = 500


@dataclass
class Holder:
    """One websocket. Times are seconds since the begin; ``cut`` is None where nothing ever cut the connection."""

    number: int
    opened: float | None = None
    exchanges: int = 0
    cut: float | None = None
    error: str | None = None


@dataclass(frozen=True)
class HoldersSummary:
    """All websockets together."""

    began: float
    seconds: float
    holders: tuple[Holder, ...]

    @property
    def opened(self) -> int:
        return sum(1 for holder in self.holders if holder.opened is not None)

    @property
    def cuts(self) -> tuple[Holder, ...]:
        return tuple(holder for holder in self.holders if holder.cut is not None)

    @property
    def exchanges(self) -> int:
        return sum(holder.exchanges for holder in self.holders)


class Holders(Background[HoldersSummary]):
    """``count`` websockets that exchange a message every ``every`` seconds until one side ends; none opens again.

    With ``message`` the server must answer each with a message. Without it each is a ping, which any server answers.
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
        require_local(url, "ws")
        if not 0 < count <= MOST_HOLDERS or not 0 < seconds <= MOST_SECONDS or every <= 0:
            raise ValueError(f"at most {MOST_HOLDERS} holders and {MOST_SECONDS:.0f} seconds, all above 0")
        self._url, self._message, self._every = url, message, every
        self._seconds, self._within = seconds, answer_within
        self._headers, self._subprotocols = headers, subprotocols
        self.holders = [Holder(number) for number in range(count)]
        self.began = 0.0
        self.seconds = 0.0

    async def _work(self, stopped: asyncio.Event) -> None:
        self.began, self._zero = time.time(), asyncio.get_running_loop().time()
        await asyncio.gather(*(self._hold(holder, stopped) for holder in self.holders))
        self.seconds = self._now()

    def _now(self) -> float:
        return asyncio.get_running_loop().time() - self._zero

    async def _hold(self, holder: Holder, stopped: asyncio.Event) -> None:
        try:
            async with self._connect() as socket:
                holder.opened = self._now()
                await self._talk(socket, holder, stopped)
        except asyncio.TimeoutError:
            holder.cut, holder.error = self._now(), f"no answer within {self._within:g} s"
        except (OSError, websockets.exceptions.WebSocketException) as failure:
            holder.cut, holder.error = self._now(), f"{type(failure).__name__}: {failure}"

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

    async def _talk(
        self, socket: websockets.asyncio.client.ClientConnection, holder: Holder, stopped: asyncio.Event
    ) -> None:
        drain = asyncio.create_task(swallow(socket)) if self._message is None else None
        try:
            while not stopped.is_set() and self._now() < self._seconds:
                await asyncio.wait_for(self._exchange(socket, holder), self._within)
                holder.exchanges += 1
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(stopped.wait(), self._every)
        finally:
            if drain is not None:
                drain.cancel()

    async def _exchange(self, socket: websockets.asyncio.client.ClientConnection, holder: Holder) -> None:
        if self._message is None:
            await (await socket.ping())
        else:
            await socket.send(self._message(holder.exchanges))
            await socket.recv()

    def summary(self) -> HoldersSummary:
        return HoldersSummary(self.began, self.seconds, tuple(self.holders))


async def swallow(socket: websockets.asyncio.client.ClientConnection) -> None:
    """Take what the server sends, so that its pongs do not wait behind it."""
    with contextlib.suppress(websockets.exceptions.ConnectionClosed):
        async for _ in socket:
            pass
