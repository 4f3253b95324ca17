"""Take the values of the env out of everything that a session's tools left."""

from __future__ import annotations

import contextlib
import html
import re
from collections.abc import Sequence
from pathlib import Path

from switchyard.core.outside_text import GONE
from switchyard.core.redact import Redactor

CUT_LEAST = 6
"""Characters of the shortest piece of a value that is removed beside an ellipsis."""


def redact_reports(reports: Path, redact: Redactor, values: Sequence[str]) -> None:
    """Redact the values in every file: however they are spelled, and cut short."""
    spellings = list(dict.fromkeys(spelling for value in values for spelling in (value, html.escape(value))))
    for path in reports.rglob("*") if spellings else ():
        if path.is_file():
            with contextlib.suppress(UnicodeDecodeError):
                text = path.read_text()
                clean = _without_cut(redact(text), spellings)
                if clean != text:
                    path.write_text(clean)


def _without_cut(text: str, values: Sequence[str]) -> str:
    """Redact the beginnings and ends of values beside an ellipsis: pytest shortens what it shows."""
    parts = re.split(r"(\.\.\.|…)", text)
    for at_ellipsis in range(1, len(parts), 2):
        before, after = parts[at_ellipsis - 1], parts[at_ellipsis + 1]
        for value in values:
            for size in range(len(value) - 1, CUT_LEAST - 1, -1):
                if before.endswith(value[:size]):
                    before = before[:-size] + GONE
                if after.startswith(value[-size:]):
                    after = GONE + after[size:]
        parts[at_ellipsis - 1], parts[at_ellipsis + 1] = before, after
    return "".join(parts)
