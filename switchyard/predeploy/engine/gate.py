"""How much a result counts: required, advisory, or no worse than live. Pure: values in, values out."""

from __future__ import annotations

import functools
import operator
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from switchyard.core.errors import FAILED, NOT_CHECKED, OK
from switchyard.core.wire.checks import CheckRecord, ChecksRecord, ChecksSummary
from switchyard.predeploy.engine.result import FAIL, PASS, SKIPPED, UNKNOWN, Finding, Result

REQUIRED, ADVISORY, NO_WORSE = "required", "advisory", "no-worse-than-live"
EXITS = {PASS: OK, FAIL: FAILED, UNKNOWN: NOT_CHECKED}
"""The exit code of the process for the outcome of all checks together."""


@dataclass(frozen=True)
class Verdict:
    """One check's result beside its gate."""

    name: str
    group: str
    gate: str
    result: Result
    allowed: str = ""
    """Why the check may be unknown; empty where nobody allowed that."""
    uncompared: Result | None = None
    """The check's own result, where ``result`` is its comparison with the live release."""

    @property
    def own_result(self) -> Result:
        """What the check found, whatever the live release has."""
        return self.uncompared or self.result

    @property
    def failed(self) -> bool:
        """Whether the check makes the application unfit."""
        return self.result.outcome == FAIL and self.gate != ADVISORY

    @property
    def unchecked(self) -> bool:
        """Whether a check that counts could not look."""
        return self.result.outcome == UNKNOWN and self.gate != ADVISORY and not self.allowed


def outcome(verdicts: Sequence[Verdict]) -> str:
    """Return fail, unknown or pass for all checks together. It is unknown too where no check passed."""
    if any(verdict.failed for verdict in verdicts):
        return FAIL
    if any(verdict.unchecked for verdict in verdicts):
        return UNKNOWN
    return PASS if any(verdict.result.outcome == PASS for verdict in verdicts) else UNKNOWN


def record(verdicts: Sequence[Verdict], tree: str, overridden: str = "") -> ChecksRecord:
    """Return what the host keeps beside a release, for the next one to be compared with."""
    checks = {
        verdict.name: CheckRecord(
            outcome=verdict.own_result.outcome,
            tools=verdict.own_result.tools,
            findings=tuple(_most(verdict.own_result.findings).elements()),
            tests=verdict.own_result.tests,
        )
        for verdict in verdicts
        if verdict.own_result.outcome in (PASS, FAIL)
    }
    return ChecksRecord(tree=tree, checks=checks, overridden=overridden)


def _most(findings: Sequence[Finding]) -> Counter[tuple[str, str, str]]:
    """Return how many findings of each identity the machine has that has the most of them."""
    counts: dict[str, Counter[tuple[str, str, str]]] = {}
    for finding in findings:
        counts.setdefault(finding.machine, Counter())[finding.identity] += 1
    return functools.reduce(operator.or_, counts.values(), Counter())


def no_worse(result: Result, live: CheckRecord | None, *, first: bool) -> Result:
    """Compare a result with that of the live release, finding by finding and test by test.

    Each of several machines is compared by itself. ``first``: nothing is live.
    """
    if result.outcome not in (PASS, FAIL):
        return result
    if live is None:
        if first:
            return replace(
                result, outcome=PASS, reason=f"{result.reason}; recorded for the next release to be no worse"
            )
        return replace(result, outcome=UNKNOWN, reason="no result of this check stands beside the live release")
    added = [*_added(result.findings, live), *map(_lost, sorted(live.tests.keys() - result.tests.keys()))]
    worse = any(finding.severity == "error" for finding in added)
    # A failure without a finding (a tool's own verdict, such as a total) is no worse only if live failed as well.
    worse = worse or (result.outcome == FAIL and not result.findings and live.outcome != FAIL)
    before = len(live.findings)
    reason = f"{len(added)} new beside {before} of the live release" if added or before else result.reason
    output = "" if added else result.output  # the output shows the live release's findings as well
    return replace(result, outcome=FAIL if worse else PASS, findings=tuple(added), reason=reason, output=output)


def _added(findings: Sequence[Finding], live: CheckRecord) -> list[Finding]:
    """Return the findings that the live release does not have, or not as often."""
    known = Counter(live.findings)
    seen: Counter[tuple[str, tuple[str, str, str]]] = Counter()
    added = []
    for finding in findings:
        seen[finding.machine, finding.identity] += 1
        if seen[finding.machine, finding.identity] > known[finding.identity]:
            added.append(finding)
    return added


def _lost(test: str) -> Finding:
    return Finding("lost-test", f"{test} was collected on the live release and is gone", place=test.split("::")[0])


def sentence(verdicts: Sequence[Verdict]) -> str:
    """Return the outcome of all checks together, as a sentence."""
    passed = sum(verdict.result.outcome == PASS for verdict in verdicts)
    not_passed = [v for v in verdicts if v.gate == ADVISORY and v.result.outcome in (FAIL, UNKNOWN)]
    parts = [f"{passed} of {len(verdicts)} checks passed"]
    for words, group in (
        ("failed", [v for v in verdicts if v.failed]),
        ("could not check", [v for v in verdicts if v.unchecked]),
        ("advisory and not passed", not_passed),
        ("unknown and allowed", [v for v in verdicts if v.allowed]),
        ("skipped", [v for v in verdicts if v.result.outcome == SKIPPED]),
    ):
        if group:
            parts.append(f"{words}: {', '.join(verdict.name for verdict in group)}")
    fit = {PASS: "fit to deploy", FAIL: "NOT fit to deploy", UNKNOWN: "not known to be fit"}[outcome(verdicts)]
    return f"predeploy: {fit}; {'; '.join(parts)}"


@dataclass(frozen=True)
class CommitVerdicts:
    """The verdicts on the commit that a deploy ships."""

    tree: str
    verdicts: tuple[Verdict, ...]
    seconds: float
    left_out: tuple[str, ...] = ()
    """Checks that did not run because the command line skips them."""
    reason: str = ""
    """Why checks are left out or may be unknown."""

    @property
    def exit(self) -> int:
        """0 if the commit may ship."""
        return EXITS[outcome(self.verdicts)]

    @property
    def sentence(self) -> str:
        return sentence(self.verdicts)

    @property
    def overridden(self) -> str:
        """Which checks were left out or let through, and why, as a sentence; empty where none was."""
        allowed = [verdict.name for verdict in self.verdicts if verdict.allowed]
        parts = [f"without {', '.join(self.left_out)}"] if self.left_out else []
        parts += [f"unknown and let through: {', '.join(allowed)}"] if allowed else []
        return f"{'; '.join(parts)} ({self.reason})" if parts else ""

    def record(self) -> ChecksRecord:
        """Return what the host keeps beside the release."""
        return record(self.verdicts, self.tree, self.overridden)

    def summary(self) -> ChecksSummary:
        """Return what the receipt shows."""
        return ChecksSummary(
            outcome=outcome(self.verdicts),
            tree=self.tree,
            seconds=self.seconds,
            checks={verdict.name: verdict.result.outcome for verdict in self.verdicts},
            overridden=self.overridden or None,
        )
