"""What became of all requests of a load."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field


@dataclass
class Record:
    """One request. Times are seconds since the load began; ``latency`` is seconds since the request's own start."""

    number: int
    method: str
    fresh: bool
    """Whether it had a connection of its own."""
    scheduled: float
    start: float = 0.0
    latency: float = 0.0
    status: int | None = None
    release: str | None = None
    """The release that answered."""
    id: str | None = None
    """The id that a POST request carried."""
    error: str | None = None

    @property
    def end(self) -> float:
        return self.start + self.latency


@dataclass(frozen=True)
class Span:
    """The requests that one release answered: when the first and the last of them started, and how many there were."""

    first: float
    last: float
    count: int


@dataclass(frozen=True)
class Summary:
    """The whole load, with each request in ``records``."""

    began: float
    """Wall time in seconds since the epoch."""
    seconds: float
    sent: int
    failed: int
    errors: Mapping[str, int]
    releases: Mapping[str, Span]
    timeline: Mapping[int, Mapping[str, int]]
    """For each second since the load began, how many requests each release answered, and how many ``failed``."""
    longest_gap: float
    """The longest time in seconds between two good answers; the load's begin and end count as answers."""
    most_late: float
    """By how many seconds the generator itself was late at most."""
    ids_sent: tuple[str, ...]
    ids_answered: tuple[str, ...]
    records: tuple[Record, ...] = field(repr=False)

    @property
    def failures(self) -> tuple[Record, ...]:
        return tuple(record for record in self.records if record.error is not None)

    def as_json(self) -> str:
        """Return everything but the single records and ids."""
        fields = {name: value for name, value in self.__dict__.items() if name not in ("records", "releases")}
        ids = {name: len(fields[name]) for name in ("ids_sent", "ids_answered")}
        releases = {name: asdict(span) for name, span in self.releases.items()}
        return json.dumps({**fields, **ids, "releases": releases}, indent=2)


def summarise(records: list[Record], began: float, seconds: float) -> Summary:
    """Count what the records say. ``began`` is wall time in seconds since the epoch."""
    sent = sorted(records, key=lambda record: record.start)
    failed = [record for record in sent if record.error is not None]
    timeline: dict[int, Counter[str]] = {}
    spans: dict[str, Span] = {}
    for record in sent:
        outcome = "failed" if record.error is not None else record.release or "none"
        timeline.setdefault(int(record.start), Counter())[outcome] += 1
        if record.release is not None:
            span = spans.get(record.release, Span(record.start, record.start, 0))
            spans[record.release] = Span(span.first, record.start, span.count + 1)
    return Summary(
        began=began,
        seconds=seconds,
        sent=len(sent),
        failed=len(failed),
        errors=dict(Counter(record.error or "" for record in failed)),
        releases=spans,
        timeline={second: dict(counts) for second, counts in timeline.items()},
        longest_gap=longest_gap([record.end for record in sent if record.error is None], seconds),
        most_late=max((record.start - record.scheduled for record in sent), default=0.0),
        ids_sent=tuple(record.id for record in sent if record.id is not None),
        ids_answered=tuple(record.id for record in sent if record.id is not None and record.error is None),
        records=tuple(sent),
    )


def longest_gap(times: list[float], seconds: float) -> float:
    """Return the longest time without an answer, from 0 to ``seconds``."""
    marks = [0.0, *sorted(times), max([seconds, *times])]
    return max(later - earlier for earlier, later in itertools.pairwise(marks))
