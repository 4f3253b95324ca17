"""The rows of a run, one a round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

HEAD = (
    f"{'step':<16} {'actor':<9} {'moment, of usual':<15} {'struck':>6} {'next':>4} {'in':>7} {'ssh':>3} "
    f"{'failed':>6} of {'sent':>6} {'no worker':>9}"
)


@dataclass(frozen=True)
class Moment:
    """When the strike happened, in seconds after the step's intent, beside the step's usual duration."""

    after: float
    usual: float
    within: bool
    """Whether the step was still running."""

    def __str__(self) -> str:
        return f"{self.after:.2f} of {self.usual:.2f} s" + (" " if self.within else "+")


@dataclass(frozen=True)
class Row:
    """The outcome of one round."""

    step: str
    actor: str
    moment: Moment
    code: int
    """The exit code of the struck deploy."""
    next_code: int
    """The exit code of the verb after it."""
    next_seconds: float
    executions: int
    """The remote executions of the verb after it."""
    sent: int
    failed: int
    gap: float
    """The longest time without a worker, in seconds."""
    problems: tuple[str, ...]

    def __str__(self) -> str:
        outcome = "; ".join(self.problems) or "ok"
        return (
            f"{self.step:<16} {self.actor:<9} {self.moment!s:<15} {self.code:>6} {self.next_code:>4} "
            f"{self.next_seconds:>5.1f} s {self.executions:>3} {self.failed:>6} of {self.sent:>6} "
            f"{self.gap:>7.1f} s  {outcome}"
        )


def report(steps: Sequence[str], rows: Sequence[Row]) -> int:
    """Print all rows and the sum, and return the exit code. A step without a row is a failure."""
    print(f"\n{HEAD}")
    for row in rows:
        print(row)
    failed = [row for row in rows if row.problems]
    missing = sorted(set(steps) - {row.step for row in rows})
    gap = max((row.gap for row in rows), default=0.0)
    print(
        f"struck: the exit code of the struck deploy; +: the step had ended. {len(rows)} rounds, {len(failed)} with "
        f"problems, {len(set(steps))} steps; the longest time without a worker {gap:.1f} s"
        + f", no row: {missing}"
        * bool(missing)
    )
    return 1 if failed or missing or not rows else 0
