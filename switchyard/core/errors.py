"""Errors that a person reads, each with the exit code of its kind."""

from __future__ import annotations

OK, FAILED, BAD_INPUT, NOT_CHECKED, REFUSED, TAKEN_BACK, UNVERIFIED, DRIFT = range(8)
LEASE_HELD = 75
INTERRUPTED = 130


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
