"""How long something was away."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from switchyard.core.errors import SwitchyardError

LOOK_EVERY = 0.02
"""Seconds between two looks: the most that a measured outage may be wrong."""


class Outage:
    """Looks whether something answers, from the begin of a block to its end, on a thread of its own."""

    def __init__(self, answers: Callable[[], bool]) -> None:
        self._answers = answers
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._began: float | None = None
        self._ended: float | None = None

    def __enter__(self) -> Outage:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def seconds(self) -> float:
        """How long it was away: from the first look that failed to the last one; 0 where every look passed."""
        return 0.0 if self._began is None else (self._ended or time.monotonic()) - self._began

    def await_end(self, within: float) -> None:
        """Wait until it answers. Raise after ``within`` seconds."""
        deadline = time.monotonic() + within
        while not self._answers():
            if time.monotonic() > deadline:
                raise SwitchyardError(f"the edge does not answer within {within:.0f} s of its recreation")
            time.sleep(LOOK_EVERY)

    def _look(self) -> None:
        while not self._stop.is_set():
            if not self._answers():
                self._began = self._began or time.monotonic()
                self._ended = None
            elif self._began is not None and self._ended is None:
                self._ended = time.monotonic()
            self._stop.wait(LOOK_EVERY)
