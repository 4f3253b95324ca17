"""Errors that a person reads, each with the exit code of its kind."""

from __future__ import annotations

from typing import Any

OK, FAILED, BAD_INPUT, NOT_CHECKED, REFUSED, TAKEN_BACK, UNVERIFIED, DRIFT = range(8)
LEASE_HELD = 75
INTERRUPTED = 130


ENDS = {BAD_INPUT: "bad input", NOT_CHECKED: "not checked", REFUSED: "refused", INTERRUPTED: "interrupted"}
"""What is told of a verb that ended before it could answer, by its exit code."""


def ended(code: int, reason: str, *, outcome: str | None = None, release: str | None = None) -> dict[str, Any]:
    """The one object that a program reads of a verb that ended before it could answer: a receipt of no machine."""
    told = {"v": 1, "outcome": outcome or ENDS.get(code, "failed"), "release": release, "exit": code}
    return {**told, "reason": reason, "hosts": []}


class SwitchyardError(Exception):
    """What went wrong, where, and what to do next. ``exit`` is the process's exit code."""

    exit = FAILED

    def __init__(self, message: str, *, exit: int | None = None) -> None:
        super().__init__(message)
        if exit is not None:
            self.exit = exit


class BadInput(SwitchyardError):
    """Settings, command line or compose document: nothing was done."""

    exit = BAD_INPUT


class NotChecked(SwitchyardError):
    """Something that had to be looked at could not be."""

    exit = NOT_CHECKED


class Refused(SwitchyardError):
    """Possible, but not without being asked for by name."""

    exit = REFUSED
