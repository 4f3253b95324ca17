"""What is told of the checks: a table for people, JSON and JUnit for programs."""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from rich.markup import escape
from rich.table import Table

from switchyard.control.screen import Screen, ago
from switchyard.core.errors import BadInput
from switchyard.predeploy.engine.check import Check
from switchyard.predeploy.engine.gate import Verdict, outcome, sentence
from switchyard.predeploy.engine.result import FAIL, PASS, SKIPPED, UNKNOWN, Finding, Result
from switchyard.predeploy.engine.subject import Subject

STYLES = {PASS: "green", FAIL: "red", UNKNOWN: "yellow", SKIPPED: "dim"}
SHOWN = 20
"""Findings of one check that a person sees; the JSON has them all."""
SLOW = 2.0


class Progress:
    """Each check's beginning and end, as it happens."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen

    def begins(self, check: Check, usual: float | None) -> None:
        """Said on a terminal only, with the usual time where it is long."""
        if self.screen.console.is_terminal:
            self.screen.say(
                f"  {check.name} …" + (f" (usually {usual:.0f} s)" if usual and usual >= SLOW else ""), "dim"
            )

    def ends(self, check: Check, result: Result) -> None:
        """One line; what was not asked for is told once, at the end."""
        if result.outcome == SKIPPED:
            return
        took = f"since {ago(result.cached)}" if result.cached else f"{result.seconds:6.2f} s"
        self.screen.say(f"  {check.name:<16} {result.outcome:<8} {took}", STYLES[result.outcome])


def show(verdicts: Sequence[Verdict], screen: Screen) -> None:
    """What did not pass, with its last lines; then the table and one sentence."""
    for verdict in verdicts:
        _explain(verdict, screen)
    table = Table("check", "outcome", "seconds", "", box=None)
    for group in dict.fromkeys(verdict.group for verdict in verdicts):
        table.add_row(f"[bold]{group}[/]")
        for verdict in (each for each in verdicts if each.group == group):
            result = verdict.result
            seconds = f"kept {ago(result.cached)}" if result.cached else f"{result.seconds:.2f}"
            style = STYLES[result.outcome]
            table.add_row(f"  {verdict.name}", f"[{style}]{result.outcome}[/]", seconds, escape(_words(verdict)))
    if not screen.quiet:
        screen.console.print(table)
    screen.say(sentence(verdicts), {PASS: "bold green", FAIL: "bold red"}.get(outcome(verdicts), "bold yellow"))


def _words(verdict: Verdict) -> str:
    """The reason in one line, with the gate where it is not required, and why it was let through."""
    words = [verdict.result.reason.splitlines()[0]] if verdict.result.reason else []
    words += [f"({verdict.gate})"] if verdict.gate != "required" else []
    words += [f"(allowed: {verdict.allowed})"] if verdict.allowed else []
    return " ".join(words)


def _explain(verdict: Verdict, screen: Screen) -> None:
    result = verdict.result
    told = [finding for finding in result.findings if result.outcome in (FAIL, UNKNOWN) or finding.severity != "error"]
    if result.outcome in (PASS, SKIPPED) and not told:
        return
    screen.say(f"\n{verdict.name}: {result.outcome}: {result.reason}", STYLES[result.outcome])
    for finding in told[:SHOWN]:
        where = f"{finding.where}: " if finding.where else ""
        screen.say(f"  {where}{finding.what} [{finding.rule}]" + (f"\n      {finding.do}" if finding.do else ""))
    if len(told) > SHOWN:
        screen.say(f"  … and {len(told) - SHOWN} more")
    if result.output and result.outcome in (FAIL, UNKNOWN):
        screen.say("\n".join(f"  | {line}" for line in result.output.splitlines()[-SHOWN:]), "dim")
    if result.log and result.outcome in (FAIL, UNKNOWN):
        screen.say(f"  the whole output: {result.log}", "dim")


def as_json(verdicts: Sequence[Verdict], subject: Subject) -> dict[str, Any]:
    """The one object that a program reads."""
    return {
        "v": 1,
        "tree": subject.tree,
        "outcome": outcome(verdicts),
        "checks": [
            {
                "name": verdict.name,
                "group": verdict.group,
                "gate": verdict.gate,
                "outcome": verdict.result.outcome,
                "seconds": verdict.result.seconds,
                "cached": verdict.result.cached,
                "findings": [_finding(finding) for finding in verdict.result.findings],
                "reason": verdict.result.reason,
                "allowed": verdict.allowed or None,
                "facts": dict(verdict.result.facts),
            }
            for verdict in verdicts
        ],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    kept = ("rule", "severity", "place", "line", "what", "do")
    return {key: getattr(finding, key) for key in kept}


def write_json(path: Path, verdicts: Sequence[Verdict], subject: Subject) -> None:
    """The JSON file, whole or not at all."""
    _write(path, json.dumps(as_json(verdicts, subject), indent=1) + "\n")


def write_junit(path: Path, verdicts: Sequence[Verdict]) -> None:
    """A suite a group, a case a check; what is unknown is an error."""
    root = ElementTree.Element("testsuites")
    for group in dict.fromkeys(verdict.group for verdict in verdicts):
        mine = [verdict for verdict in verdicts if verdict.group == group]
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=group,
            tests=str(len(mine)),
            failures=str(sum(verdict.result.outcome == FAIL for verdict in mine)),
            errors=str(sum(verdict.result.outcome == UNKNOWN for verdict in mine)),
            skipped=str(sum(verdict.result.outcome == SKIPPED for verdict in mine)),
            timestamp=time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()),
        )
        for verdict in mine:
            result = verdict.result
            case = ElementTree.SubElement(
                suite, "testcase", classname=group, name=verdict.name, time=f"{result.seconds:.3f}"
            )
            kind = {FAIL: "failure", UNKNOWN: "error", SKIPPED: "skipped"}.get(result.outcome)
            if kind:
                lines = [f"{finding.where}: {finding.what} [{finding.rule}]" for finding in result.findings]
                ElementTree.SubElement(case, kind, message=_xml(result.reason)).text = _xml(
                    "\n".join([*lines, result.output])
                )
    _write(path, ElementTree.tostring(root, encoding="unicode", xml_declaration=True))


def _xml(text: str) -> str:
    """Without the characters that XML cannot hold."""
    return "".join(char for char in text if char in "\t\n\r" or " " <= char < "\ufffe")


def require_writable(flag: str, name: str) -> None:
    """Refuses a file that could not be written, before the checks run for it."""
    path = Path(name)
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a folder")
        _aside(path, "").unlink()
    except OSError as error:
        raise BadInput(f"{flag} {name}: {error.strerror}; name a file that can be written") from None


def _write(path: Path, text: str) -> None:
    os.replace(_aside(path, text), path)


def _aside(path: Path, text: str) -> Path:
    """A file beside, with the text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.write_text(text)
    return aside
