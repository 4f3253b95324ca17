"""A mistake of Switchyard on the control node: one line for the screen, and the traceback in a file for its owner."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import traceback
from collections.abc import Iterator

from switchyard.control import terminal
from switchyard.core.bug import describe_bug
from switchyard.core.errors import NotChecked


def listen() -> None:
    """Have an error that ends a thread, or comes while Python clears up, told like any other."""
    threading.excepthook = lambda ended: _tell(ended.exc_value)
    sys.unraisablehook = lambda unraisable: _tell(unraisable.exc_value)


def failure(error: BaseException) -> NotChecked:
    """Keep the traceback of an error that nobody expects. Return what a person reads instead."""
    words = describe_bug("Switchyard", error)
    try:
        kept = f"Read {_keep(error)} (nobody else can), and report it with that file"
    except OSError as trouble:
        kept = f"Its traceback cannot be kept ({trouble.strerror}); report it"
    return NotChecked(f"{words}. {kept}. What it left on a host is unknown: look with inv status")


def _tell(error: BaseException | None) -> None:
    if error is not None and not isinstance(error, SystemExit):
        with contextlib.suppress(OSError, ValueError):  # nobody may read any more
            print(terminal.shown(str(failure(error))), file=sys.stderr)


def _keep(error: BaseException) -> str:
    """Write the traceback to a new file and return its name."""
    import tempfile  # loads slowly, and hardly any verb has a bug

    descriptor, name = tempfile.mkstemp(prefix="switchyard-bug-", suffix=".txt")
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(terminal.shown("\n".join(_told(error))))
    return name


def _told(error: BaseException | None) -> Iterator[str]:
    """Yield an error and what led to it. While nobody knows what is secret, its own words are left out."""
    while error is not None:
        words = str(error) if terminal.knows_env() else "(its words are left out: the env was not read)"
        yield "".join(traceback.format_tb(error.__traceback__)) + f"{type(error).__name__}: {words}\n"
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
