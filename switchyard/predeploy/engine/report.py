"""The checks on the screen: each as it ends, then everything that did not pass, a table and one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from switchyard.control.screen import Cell, Screen, ago
from switchyard.core.wire.receipt import StepReceipt
from switchyard.predeploy.engine.check import GROUPS, Check
from switchyard.predeploy.engine.gate import REQUIRED, CommitVerdicts, Verdict, outcome, sentence
from switchyard.predeploy.engine.result import FAIL, PASS, SKIPPED, UNKNOWN, Finding, Result

STYLES = {PASS: "green", FAIL: "red", UNKNOWN: "yellow", SKIPPED: "dim"}
SHOWN = 20
"""Findings of one check, and last lines of its output, on the screen; the JSON has all findings."""
SLOW = 2.0
"""Seconds from which the screen shows how long a check usually takes."""


class Progress:
    """Shows the start and the end of each check."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen

    def begins(self, check: Check, usual: float | None) -> None:
        """Show the start on a terminal only, with the usual time if that is long."""
        if self.screen.console.is_terminal:
            expected = f" (usually {usual:.0f} s)" if usual and usual >= SLOW else ""
            self.screen.say(f"  {check.name} …{expected}", "dim")

    def ends(self, check: Check, result: Result) -> None:
        """Show the outcome in one line. Skipped checks stand in the final table alone."""
        if result.outcome == SKIPPED:
            return
        took = f"since {ago(result.cached)}" if result.cached else f"{result.seconds:6.2f} s"
        self.screen.say(f"  {check.name:<16} {result.outcome:<8} {took}", STYLES[result.outcome])


def show(verdicts: Sequence[Verdict], screen: Screen) -> None:
    """Show everything that did not pass, the table of all checks and the sentence."""
    for verdict in verdicts:
        _explain(verdict, screen)
    rows: list[Sequence[Cell]] = []
    for group in dict.fromkeys(verdict.group for verdict in verdicts):
        rows.append([(group, "bold")])
        for verdict in (each for each in verdicts if each.group == group):
            result = verdict.result
            seconds = f"kept {ago(result.cached)}" if result.cached else f"{result.seconds:.2f}"
            outcome_cell = (str(result.outcome), STYLES[result.outcome])
            rows.append((f"  {verdict.name}", outcome_cell, seconds, _summary(verdict)))
    screen.table(("check", "outcome", "seconds", ""), rows)
    screen.say(sentence(verdicts), {PASS: "bold green", FAIL: "bold red"}.get(outcome(verdicts), "bold yellow"))


def show_commit(commit: CommitVerdicts, machine: str, screen: Screen) -> None:
    """Show the checks of a deploy: one sentence if the commit may ship, else everything."""
    if commit.exit:
        show(commit.verdicts, screen)
    else:
        screen.say(f"  {commit.sentence}")
        screen.step(machine, StepReceipt("predeploy", None, commit.seconds, "done", ()))


def show_list(checks: Sequence[Check], screen: Screen) -> None:
    """Show what each check proves and needs."""
    rows: list[Sequence[Cell]] = []
    for group in GROUPS:
        rows.append([(group, "bold")])
        rows += [(f"  {check.name}", check.proves, check.needs) for check in checks if check.group == group]
    screen.table(("check", "proves", "needs"), rows)


def _summary(verdict: Verdict) -> str:
    """Return the reason in one line, with a gate other than required, and why an unknown is allowed."""
    words = [verdict.result.reason.splitlines()[0]] if verdict.result.reason else []
    words += [f"({verdict.gate})"] if verdict.gate != REQUIRED else []
    words += [f"(allowed: {verdict.allowed})"] if verdict.allowed else []
    return " ".join(words)


def _explain(verdict: Verdict, screen: Screen) -> None:
    result = verdict.result
    is_bad = result.outcome in (FAIL, UNKNOWN)
    findings = [finding for finding in result.findings if is_bad or finding.severity != "error"]
    if not is_bad and not findings:
        return
    screen.say(f"\n{verdict.name}: {result.outcome}: {result.reason}", STYLES[result.outcome])
    for finding in findings[:SHOWN]:
        screen.say(_line(finding))
    if len(findings) > SHOWN:
        screen.say(f"  … and {len(findings) - SHOWN} more")
    if is_bad and result.output:
        screen.say("\n".join(f"  | {line}" for line in result.output.splitlines()[-SHOWN:]), "dim")
    if is_bad and result.log:
        screen.say(f"  the whole output: {result.log}", "dim")


def _line(finding: Finding) -> str:
    where = f"{finding.where}: " if finding.where else ""
    remedy = f"\n      {finding.do}" if finding.do else ""
    return f"  {where}{finding.what} [{finding.rule}]{remedy}"
