"""Findings that somebody waived in the settings, by rule and place, each with a reason.

What a service reaches of its host, only the operator's own settings waive.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase

from switchyard.core.host_reach import RULES
from switchyard.core.wire.request import Waiver
from switchyard.predeploy.engine.result import Finding, Result, judged, not_checked, unknown
from switchyard.predeploy.engine.subject import Subject

UNUSED = "waiver-unused"


def judge(
    subject: Subject,
    rules: Collection[str],
    findings: Sequence[tuple[str, Finding]],
    looked_at: Sequence[str],
    problems: Sequence[str] = (),
) -> Result:
    """Judge the findings that no waiver covers.

    ``findings``: each with the place that a waiver names. ``looked_at``: what the check looked at, for the reason.
    ``problems``: what the check could not look at. Beside an error they are findings too; else they make it unknown.
    """
    left = _not_waived(subject, rules, findings)
    waived = len(findings) - sum(finding.rule != UNUSED for finding in left)
    if problems and not any(finding.severity == "error" for finding in left):
        return unknown("; ".join(problems), findings=left)
    reason = "; ".join([*looked_at, *([f"{waived} waived"] if waived else [])])
    return judged([*left, *map(not_checked, problems)], reason)


def _not_waived(subject: Subject, rules: Collection[str], findings: Sequence[tuple[str, Finding]]) -> list[Finding]:
    """Return the findings that no waiver covers, and a warning for each waiver of these rules that covers none."""
    own = [Waiver(waiver.rule, waiver.where) for waiver in subject.setting.waive if waiver.rule not in RULES]
    waivers = [waiver for waiver in (*own, *subject.waivers) if waiver.rule in rules]
    used: set[int] = set()
    left = []
    for place, finding in findings:
        covering = {index for index, waiver in enumerate(waivers) if _covers(waiver, place, finding)}
        used |= covering
        if not covering:
            left.append(finding)
    return [*left, *(_unused(waiver) for index, waiver in enumerate(waivers) if index not in used)]


def _covers(waiver: Waiver, place: str, finding: Finding) -> bool:
    places = (place, place.partition(":")[0]) if waiver.rule in RULES else (place,)
    return waiver.rule == finding.rule and any(fnmatchcase(each, waiver.where) for each in places)


def _unused(waiver: Waiver) -> Finding:
    """Return a warning: an unused waiver would hide the next finding."""
    what = f"the waiver of {waiver.rule} at {waiver.where} meets no finding"
    return Finding(UNUSED, what, "invoke.yaml", do="remove it from app.predeploy.waive", severity="warn", text=what)
