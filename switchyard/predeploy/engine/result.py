"""What a check reports: an outcome with its findings. Plain values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PASS, FAIL, UNKNOWN, SKIPPED = "pass", "fail", "unknown", "skipped"
"""How a check ends. Unknown: it could not look. Skipped: nobody asked for it, and it says why. Neither is a pass."""


@dataclass(frozen=True)
class Finding:
    """One thing that a check found."""

    rule: str
    what: str
    """The sentence."""
    place: str = ""
    """A file, table, service or variable."""
    line: int | None = None
    """The line in the file, counted from 1."""
    do: str = ""
    """What to do about it."""
    severity: str = "error"
    """error, or warn: a warning is shown and fails nothing."""
    text: str = ""
    """The source line; with rule and place it tells one finding from another, whatever its line's number is."""
    machine: str = ""
    """The one of several machines on which it was found; what is the same on two is no worse than on one."""

    @property
    def where(self) -> str:
        """The place, with its line."""
        return f"{self.place}:{self.line}" if self.line else self.place

    @property
    def identity(self) -> tuple[str, str, str]:
        """What stays the same when lines move."""
        return self.rule, self.place, re.sub(r"\s+", " ", self.text or self.what).strip()


@dataclass(frozen=True)
class Result:
    """How a check ended."""

    outcome: str
    reason: str = ""
    """Why it is unknown or skipped; of the others one sentence that says what was looked at."""
    findings: tuple[Finding, ...] = ()
    tests: Mapping[str, str] = field(default_factory=dict)
    """Each collected test with passed, failed, flaky or skipped."""
    tools: Mapping[str, str] = field(default_factory=dict)
    """Each tool with its version: results of other versions do not compare."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Figures beside the outcome: server and version of a database, coverage, the slowest tests."""
    output: str = ""
    """The last lines of what a tool printed, for a check that did not pass."""
    log: str = ""
    """The file with all that it printed."""
    seconds: float = 0.0
    cached: float | None = None
    """Since when this result stands, in seconds of wall time; None where the check ran now."""


def skipped(reason: str) -> Result:
    """Not asked for; the reason names the setting that asks for it."""
    return Result(SKIPPED, reason)


def unknown(reason: str, **more: Any) -> Result:
    """Could not be looked at."""
    return Result(UNKNOWN, reason, **more)


def not_checked(words: str) -> Finding:
    """What could not be looked at beside a failure: an error, so that no comparison with the live release loses it."""
    return Finding("not-checked", f"could not be looked at: {words}")


def judged(findings: list[Finding], reason: str, **more: Any) -> Result:
    """Fails for every finding that is an error; warnings are shown."""
    outcome = FAIL if any(finding.severity == "error" for finding in findings) else PASS
    return Result(outcome, reason, tuple(findings), **more)
