"""Errors that a person reads, each with the exit code of its kind."""

from __future__ import annotations

from collections.abc import Iterable

OK, FAILED, BAD_INPUT, NOT_CHECKED, REFUSED, TAKEN_BACK, UNVERIFIED, DRIFT = range(8)
LEASE_HELD = 75
INTERRUPTED = 130


class SwitchyardError(Exception):
    """An error that says what went wrong, where, and what to do next. ``exit`` is the process's exit code."""

    exit = FAILED

    def __init__(self, message: str, *, exit: int | None = None) -> None:
        super().__init__(message)
        if exit is not None:
            self.exit = exit


class BadInput(SwitchyardError):
    """A mistake in the settings, the command line or the Compose document. Nothing was done."""

    exit = BAD_INPUT


class NotChecked(SwitchyardError):
    """Something that had to be looked at is out of reach."""

    exit = NOT_CHECKED


class Refused(SwitchyardError):
    """Something possible that a person must ask for by name."""

    exit = REFUSED


def refuse(reasons: Iterable[str]) -> None:
    """Raise one ``Refused`` with every reason, each on a line of its own; nothing without a reason."""
    text = "\n".join(reasons)
    if text:
        raise Refused(text)
