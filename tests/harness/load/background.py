"""Work that runs in a thread of its own."""

from __future__ import annotations

import abc
import asyncio
import contextlib
import threading
from typing import Generic, TypeVar

S = TypeVar("S", covariant=True)
B = TypeVar("B", bound="Background[object]")


class Background(abc.ABC, Generic[S]):
    """A coroutine in a thread of its own, from ``start()`` until ``stop()`` or its own end. ``S`` sums it up."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped: asyncio.Event | None = None
        self._ready = threading.Event()
        self._failure: BaseException | None = None

    @abc.abstractmethod
    async def _work(self, stopped: asyncio.Event) -> None:
        """Do the work until it ends or ``stopped`` is set."""

    @abc.abstractmethod
    def summary(self) -> S:
        """Sum up what happened so far."""

    def __enter__(self: B) -> B:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self: B) -> B:
        """Start the thread, and return once its event loop runs."""
        if self._thread is not None:
            raise RuntimeError("already started")
        self._thread = threading.Thread(target=self._main, name=type(self).__name__, daemon=True)
        self._thread.start()
        self._ready.wait()
        return self

    def stop(self) -> S:
        """Begin nothing new, wait for what is under way, and return the summary. A second call does no harm."""
        if self._loop is not None and self._stopped is not None:
            with contextlib.suppress(RuntimeError):  # the loop has already ended
                self._loop.call_soon_threadsafe(self._stopped.set)
        return self.join()

    def join(self) -> S:
        """Wait for the end of the work and return the summary. Raise what the work raised."""
        if self._thread is None:
            raise RuntimeError("never started")
        self._thread.join()
        if self._failure is not None:
            raise self._failure
        return self.summary()

    def _main(self) -> None:
        try:
            asyncio.run(self._prepare_and_work())
        except BaseException as failure:
            self._failure = failure
        finally:
            self._ready.set()

    async def _prepare_and_work(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        self._ready.set()
        await self._work(self._stopped)
