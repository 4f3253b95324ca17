"""Runs of checks that are functions of a test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from switchyard.predeploy.engine import runner
from switchyard.predeploy.engine.check import Check
from switchyard.predeploy.engine.result import PASS, Result
from switchyard.predeploy.engine.subject import Subject
from tests.harness.machine_answers import host_machine


class Shown:
    """A screen that records the checks that begin and end."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ended: list[str] = []

    def begins(self, check: Check, usual: float | None) -> None:
        self.begun.append(check.name)

    def ends(self, check: Check, result: Result) -> None:
        self.ended.append(check.name)


def check(name: str, function: Callable[[Subject], Result], **more: object) -> Check:
    return Check(name, "code", "", "", function, source=Path(__file__), **more)  # type: ignore[arg-type]


def run(checks: list[Check], subject: Subject, *, fresh: bool = False) -> tuple[dict[str, Result], Shown]:
    shown = Shown()
    return runner.run(checks, subject, fresh=fresh, show=shown), shown


def passes(subject: Subject) -> Result:
    return Result(PASS, "1 file")


def of_two_machines(subject: Subject) -> Subject:
    return replace(subject, host="prod", machines=(host_machine("prod1"), host_machine("prod2")))


def number(one: Subject) -> int:
    """Return the machine's number."""
    return int(one.machine.removeprefix("prod"))
