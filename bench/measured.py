"""What a bench measures and prints: every raw value, the median, and whether a limit holds."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Sequence


class Report:
    """Measured values and the limits that they break."""

    def __init__(self) -> None:
        self.broken: list[str] = []

    def show(self, what: str, values: Sequence[float], unit: str = "s") -> None:
        """Print a row: the median and each value."""
        raw = " ".join(f"{value:.3f}" if isinstance(value, float) else str(value) for value in values)
        print(f"  {what:<66} median {statistics.median(values):7.3f} {unit}   [{raw}]", flush=True)

    def limit(self, what: str, value: float, most: float) -> None:
        """Print whether ``value`` is at most ``most``, and remember where it is not."""
        holds = value <= most
        print(f"  {'holds' if holds else 'BROKEN'}: {what}: {value:.3f}, at most {most:g}\n", flush=True)
        if not holds:
            self.broken.append(what)

    def end(self) -> int:
        """Print the broken limits, for people and as JSON, and return the exit code."""
        for limit in self.broken:
            print(f"does not hold: {limit}")
        print(json.dumps({"v": 1, "broken": self.broken}))
        return 1 if self.broken else 0


def timed(act: Callable[[], object]) -> float:
    """Run ``act`` and return its seconds."""
    began = time.monotonic()
    act()
    return time.monotonic() - began
