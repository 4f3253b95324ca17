"""What a check reports: an outcome with its findings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import field

from switchyard.core.wire.message import Json, Message, message

PASS, FAIL, UNKNOWN, SKIPPED = "pass", "fail", "unknown", "skipped"
"""Outcomes. Unknown: the check could not look. Skipped: nobody asked for it; the reason says why. Neither is a pass."""


@message(frozen=True)
class Finding(Message):
    """One fault that a check found."""

    rule: str
    what: str
    """The fault, as a sentence."""
    place: str = ""
    """A file, table, service or variable."""
    line: int | None = None
    """The line in the file, counted from 1."""
    do: str = ""
    """The remedy, as an imperative."""
    severity: str = "error"
    """``error``, or ``warn``: a warning is shown and fails nothing."""
    text: str = ""
    """The source line. With rule and place it identifies the finding, whatever its line number."""
    machine: str = ""
    """The machine that has it, of several. The same finding on two machines is no worse than on one."""

    @property
    def where(self) -> str:
        """The place, with its line."""
        return f"{self.place}:{self.line}" if self.line else self.place

    @property
    def identity(self) -> tuple[str, str, str]:
        """Rule, place and text: they stay the same when lines move."""
        return self.rule, self.place, re.sub(r"\s+", " ", self.text or self.what).strip()


@message(frozen=True)
class Result(Message):
    """How a check ended."""

    outcome: str
    reason: str = ""
    """Why the check is unknown or skipped; for a pass or a failure, one sentence that says what it looked at."""
    findings: tuple[Finding, ...] = ()
    tests: Mapping[str, str] = field(default_factory=dict)
    """Each collected test with passed, failed, flaky or skipped."""
    tools: Mapping[str, str] = field(default_factory=dict)
    """Each tool with its version: results of different versions do not compare."""
    facts: Mapping[str, Json] = field(default_factory=dict)
    """Figures beside the outcome: server and version of a database, coverage, the slowest tests."""
    output: str = ""
    """The last lines that a tool printed, for a check that did not pass."""
    log: str = ""
    """The file with everything that the tool printed."""
    seconds: float = 0.0
    cached: float | None = None
    """When the check ran, in seconds since the epoch, if the result is from the cache."""


def skipped(reason: str) -> Result:
    """Return the result of a check that nobody asked for. The reason names the setting that asks for it."""
    return Result(SKIPPED, reason)


def unknown(
    reason: str,
    *,
    findings: Sequence[Finding] = (),
    facts: Mapping[str, Json] | None = None,
    output: str = "",
    log: str = "",
) -> Result:
    """Return the result of a check that could not look."""
    return Result(UNKNOWN, reason, tuple(findings), facts=facts or {}, output=output, log=log)


def not_checked(why: str) -> Finding:
    """Return a finding for what a failed check could not look at.

    It is an error, so that the comparison with the live release keeps it.
    """
    return Finding("not-checked", f"could not be looked at: {why}")


def judged(
    findings: Sequence[Finding],
    reason: str,
    *,
    tests: Mapping[str, str] | None = None,
    tools: Mapping[str, str] | None = None,
    facts: Mapping[str, Json] | None = None,
    output: str = "",
    log: str = "",
) -> Result:
    """Return a failure if any finding is an error, else a pass."""
    outcome = FAIL if any(finding.severity == "error" for finding in findings) else PASS
    return Result(outcome, reason, tuple(findings), tests or {}, tools or {}, facts or {}, output, log)
