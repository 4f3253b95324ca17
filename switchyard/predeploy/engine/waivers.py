"""Findings that are meant: waived by rule and place in the settings, each with its reason."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase

from switchyard.predeploy.engine.result import Finding, Result, judged, not_checked, unknown
from switchyard.predeploy.engine.subject import Subject


def judge(
    subject: Subject,
    rules: Collection[str],
    found: Sequence[tuple[str, Finding]],
    looked: Sequence[str],
    problems: Sequence[str] = (),
) -> Result:
    """A result of what no waiver is for. Each finding comes with the place that a waiver names.

    ``problems`` are what could not be looked at: beside an error they are findings as well, else they make it
    unknown.
    """
    kept = _left(subject, rules, found)
    waived = len(found) - sum(finding.rule in rules for finding in kept)
    if problems and not any(finding.severity == "error" for finding in kept):
        return unknown("; ".join(problems), findings=tuple(kept))
    reason = "; ".join([*looked, *([f"{waived} waived"] if waived else [])])
    return judged([*kept, *map(not_checked, problems)], reason)


def _left(subject: Subject, rules: Collection[str], found: Sequence[tuple[str, Finding]]) -> list[Finding]:
    """What no waiver meets, and each waiver of one of these rules that meets nothing: it would hide the next one."""
    waivers = [waiver for waiver in subject.setting.waive if waiver.rule in rules]
    used: set[int] = set()
    kept = []
    for where, finding in found:
        meant = {
            index
            for index, waiver in enumerate(waivers)
            if waiver.rule == finding.rule and fnmatchcase(where, waiver.where)
        }
        used |= meant
        if not meant:
            kept.append(finding)
    for index, waiver in enumerate(waivers):
        if index not in used:
            what = f"the waiver of {waiver.rule} at {waiver.where} meets no finding"
            do = "remove it from app.predeploy.waive"
            kept.append(Finding("waiver-unused", what, "invoke.yaml", do=do, severity="warn", text=what))
    return kept
