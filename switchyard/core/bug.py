"""A mistake of Switchyard itself, told without what it worked on."""

from __future__ import annotations

from types import TracebackType


def describe_bug(program: str, error: BaseException) -> str:
    """Say where a program failed. The error's own words may hold anybody's secrets: only the system's are told."""
    words = f"{program} has a bug: {type(error).__name__}{_place(error.__traceback__)}"
    if isinstance(error, OSError) and error.strerror:
        words += f": {error.strerror}" + (f": {error.filename}" if error.filename else "")
    return words


def _place(trace: TracebackType | None) -> str:
    """Return the innermost place of a traceback; empty where there is none."""
    if trace is None:
        return ""
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f" at {trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}"
