"""What a bench measures and prints: every raw value, the median, and whether a limit holds."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence


class Report:
    """What was measured, and which limits did not hold."""

    def __init__(self) -> None:
        self.broken: list[str] = []

    def show(self, what: str, values: Sequence[float], unit: str = "s") -> None:
        raw = " ".join(f"{value:.3f}" if isinstance(value, float) else str(value) for value in values)
        print(f"  {what:<66} median {statistics.median(values):7.3f} {unit}   [{raw}]", flush=True)

    def limit(self, what: str, value: float, most: float) -> None:
        holds = value <= most
        print(f"  {'holds' if holds else 'BROKEN'}: {what}: {value:.3f}, at most {most:g}\n", flush=True)
        if not holds:
            self.broken.append(what)


def timed(do: Callable[[], object]) -> float:
    began = time.monotonic()
    do()
    return time.monotonic() - began
