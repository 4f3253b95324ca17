"""Heartbeats of workers: when which container was at work, by the host's clock."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

APART = 1.0
"""Seconds between two heartbeats that mean that the container stopped in between. A worker beats ten times as often."""


class Heartbeat(NamedTuple):
    """One sign that a container is at work."""

    container: str
    at: float
    """Seconds since the epoch."""


@dataclass(order=True)
class Stretch:
    """A time in which a container was at work without a stop."""

    began: float
    ended: float
    container: str


def overlaps(heartbeats: Iterable[Heartbeat]) -> list[str]:
    """Describe each time at which two containers were at work at once."""
    stretches: list[Stretch] = []
    for container, beats in itertools.groupby(sorted(heartbeats), key=lambda heartbeat: heartbeat.container):
        before: float | None = None
        for _, at in beats:
            if before is None or at - before > APART:
                stretches.append(Stretch(at, at, container))
            stretches[-1].ended = before = at
    stretches.sort()
    return [
        f"workers {one.container} and {other.container} at once, for {min(one.ended, other.ended) - other.began:.2f} s"
        for one, other in itertools.combinations(stretches, 2)
        if one.container != other.container and other.began < one.ended
    ]


def longest_gap(heartbeats: Iterable[Heartbeat]) -> float:
    """Return the longest time in seconds without a heartbeat."""
    times = sorted(heartbeat.at for heartbeat in heartbeats)
    return max((later - earlier for earlier, later in itertools.pairwise(times)), default=0.0)
