"""The append-only record: one JSON object a line, each with the hash of the line before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

START = "0" * 16


def line(before: str | None, seq: int, fields: Mapping[str, Any]) -> str:
    """The next line, without its newline, after the line ``before``."""
    return json.dumps({"v": 1, "seq": seq, "before": digest(before), **fields}, separators=(",", ":"))


def digest(text: str | None) -> str:
    """The short hash by which a line names the one before."""
    return START if text is None else hashlib.sha256(text.encode()).hexdigest()[:16]


def read(lines: Iterable[str]) -> tuple[list[dict[str, Any]], list[str]]:
    """The entries, and what is wrong: torn lines, broken chains. Nothing is dropped in silence."""
    entries: list[dict[str, Any]] = []
    problems: list[str] = []
    before: str | None = None
    for number, text in enumerate(lines, 1):
        text = text.rstrip("\n")
        try:
            entry = dict(json.loads(text))
        except (TypeError, ValueError):
            problems.append(f"line {number} is torn")
            before = text
            continue
        if entry.get("before") != digest(before):
            problems.append(f"line {number} does not follow line {number - 1}")
        entries.append(entry)
        before = text
    return entries, problems
