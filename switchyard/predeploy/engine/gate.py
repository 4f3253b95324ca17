"""How much a result counts: required, advisory, or no worse than live. Pure: values in, values out."""

from __future__ import annotations

import functools
import operator
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from switchyard.core.errors import FAILED, NOT_CHECKED, OK
from switchyard.predeploy.engine.result import FAIL, PASS, SKIPPED, UNKNOWN, Finding, Result

NO_WORSE = "no-worse-than-live"
EXITS = {PASS: OK, FAIL: FAILED, UNKNOWN: NOT_CHECKED}
"""Each outcome of all together with the exit code of the process."""


@dataclass(frozen=True)
class Verdict:
    """One check's result beside its gate."""

    name: str
    group: str
    gate: str
    result: Result
    allowed: str = ""
    """Why it may be unknown, where somebody said so."""
    alone: Result | None = None
    """The check's own result, where ``result`` is how it compares with the live release's."""

    @property
    def own(self) -> Result:
        """What the check found, whatever the live release has of it."""
        return self.alone or self.result

    @property
    def failed(self) -> bool:
        """Whether the application is not fit."""
        return self.result.outcome == FAIL and self.gate != "advisory"

    @property
    def unchecked(self) -> bool:
        """Whether something that counts could not be looked at."""
        return self.result.outcome == UNKNOWN and self.gate != "advisory" and not self.allowed


def outcome(verdicts: Sequence[Verdict]) -> str:
    """Of all together: fail, unknown, or pass; unknown too where not one check passed."""
    if any(verdict.failed for verdict in verdicts):
        return FAIL
    if any(verdict.unchecked for verdict in verdicts):
        return UNKNOWN
    return PASS if any(verdict.result.outcome == PASS for verdict in verdicts) else UNKNOWN


def baseline(verdicts: Sequence[Verdict], tree: str) -> dict[str, Any]:
    """What is kept beside a release for the next one to be compared with."""
    checks = {
        verdict.name: {
            "outcome": verdict.own.outcome,
            "tools": dict(verdict.own.tools),
            "findings": [list(identity) for identity in _most(verdict.own.findings).elements()],
            "tests": dict(verdict.own.tests),
        }
        for verdict in verdicts
        if verdict.own.outcome in (PASS, FAIL)
    }
    return {"v": 1, "tree": tree, "checks": checks}


def _most(findings: Sequence[Finding]) -> Counter[tuple[str, str, str]]:
    """How many of each identity the machine has that has the most of it."""
    found: dict[str, Counter[tuple[str, str, str]]] = {}
    for finding in findings:
        found.setdefault(finding.machine, Counter())[finding.identity] += 1
    return functools.reduce(operator.or_, found.values(), Counter())


def no_worse(result: Result, live: Mapping[str, Any] | None, *, first: bool) -> Result:
    """A result as compared with that of the live release, finding by finding and test by test.

    Each of several machines is compared by itself.
    """
    if result.outcome not in (PASS, FAIL):
        return result
    if live is None:
        if first:
            return replace(
                result, outcome=PASS, reason=f"{result.reason}; recorded for the next release to be no worse"
            )
        return replace(result, outcome=UNKNOWN, reason="no result of this check stands beside the live release")
    known = Counter(tuple(identity) for identity in live["findings"])
    seen: Counter[tuple[str, tuple[str, str, str]]] = Counter()
    fresh = []
    for finding in result.findings:
        seen[finding.machine, finding.identity] += 1
        if seen[finding.machine, finding.identity] > known[finding.identity]:
            fresh.append(finding)
    fresh += [_lost(test) for test in sorted(live["tests"].keys() - result.tests.keys())]
    worse = any(finding.severity == "error" for finding in fresh)
    # A failure without a finding (a tool's own verdict, such as a total) is no worse only if live failed as well.
    worse = worse or (result.outcome == FAIL and not result.findings and live["outcome"] != FAIL)
    before = len(live["findings"])
    reason = f"{len(fresh)} new beside {before} of the live release" if fresh or before else result.reason
    output = "" if fresh else result.output  # which tells of what live has as well
    return replace(result, outcome=FAIL if worse else PASS, findings=tuple(fresh), reason=reason, output=output)


def _lost(test: str) -> Finding:
    return Finding("lost-test", f"{test} was collected on the live release and is gone", place=test.split("::")[0])


def not_run(reason: str) -> Result:
    """A check that was left out by name."""
    return Result(SKIPPED, reason)


def sentence(verdicts: Sequence[Verdict]) -> str:
    """All together in one sentence."""
    passed = sum(verdict.result.outcome == PASS for verdict in verdicts)
    parts = [f"{passed} of {len(verdicts)} checks passed"]
    for words, names in (
        ("failed", [v.name for v in verdicts if v.failed]),
        ("could not check", [v.name for v in verdicts if v.unchecked]),
        (
            "advisory and not passed",
            [v.name for v in verdicts if v.gate == "advisory" and v.result.outcome in (FAIL, UNKNOWN)],
        ),
        ("unknown and allowed", [v.name for v in verdicts if v.allowed]),
        ("skipped", [v.name for v in verdicts if v.result.outcome == SKIPPED]),
    ):
        if names:
            parts.append(f"{words}: {', '.join(names)}")
    fit = {PASS: "fit to deploy", FAIL: "NOT fit to deploy", UNKNOWN: "not known to be fit"}[outcome(verdicts)]
    return f"predeploy: {fit}; {'; '.join(parts)}"


@dataclass(frozen=True)
class Checked:
    """What the checks said of the commit that a deploy ships."""

    tree: str
    verdicts: tuple[Verdict, ...]
    seconds: float
    left_out: tuple[str, ...] = ()
    reason: str = ""
    """Why checks were left out, or may be unknown."""

    @property
    def exit(self) -> int:
        """0 where the commit may be shipped."""
        return EXITS[outcome(self.verdicts)]

    @property
    def sentence(self) -> str:
        """All checks together in one sentence."""
        return sentence(self.verdicts)

    @property
    def overridden(self) -> str:
        """What was left out or let through, and why, as a sentence; nothing where nothing was."""
        allowed = [verdict.name for verdict in self.verdicts if verdict.allowed]
        parts = [f"without {', '.join(self.left_out)}"] if self.left_out else []
        parts += [f"unknown and let through: {', '.join(allowed)}"] if allowed else []
        return f"{'; '.join(parts)} ({self.reason})" if parts else ""

    @property
    def kept(self) -> dict[str, Any]:
        """What stays beside the release: its results for the next release, and what was overridden."""
        return {**baseline(self.verdicts, self.tree), "overridden": self.overridden}

    def as_json(self) -> dict[str, Any]:
        """What a deploy's receipt says of it."""
        return {
            "outcome": outcome(self.verdicts),
            "tree": self.tree,
            "seconds": self.seconds,
            "checks": {verdict.name: verdict.result.outcome for verdict in self.verdicts},
            "overridden": self.overridden or None,
        }
