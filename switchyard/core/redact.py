"""Values of the env taken out of what is shown or kept: by value, never by where a text comes from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

LEAST = 6
"""Characters of the shortest value that is taken out; a shorter one would blank out ordinary words."""
GONE = "•••"
_PASSWORD = re.compile(r"://[^/\s:@]*:([^/\s@]+)@")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")


def spellings(values: Iterable[str]) -> list[str]:
    """Each value as a text may hold it: whole, a line of it, a URL's password, or escaped; the longest first."""
    found: set[str] = set()
    for value in values:
        passwords = _PASSWORD.findall(value)
        plain = [_ESCAPE.sub(lambda match: chr(int(match[1], 16)), password) for password in passwords]
        for part in (value, *map(str.strip, value.splitlines()), *passwords, *plain):
            found |= {part, json.dumps(part)[1:-1], json.dumps(part, ensure_ascii=False)[1:-1]}
    return sorted((part for part in found if len(part) >= LEAST), key=lambda part: (-len(part), part))


def redact(text: str, spelled: Sequence[str]) -> str:
    """The text without these spellings."""
    for part in spelled:
        text = _without(text, part)
    return text


def redact_all(value: Any, spelled: Sequence[str]) -> Any:
    """The same value with every text in it redacted."""
    if isinstance(value, dict):
        return {key: redact_all(item, spelled) for key, item in value.items()}
    if isinstance(value, list):
        return [redact_all(item, spelled) for item in value]
    return redact(value, spelled) if isinstance(value, str) else value


def _without(text: str, part: str) -> str:
    """A plain word goes only where it stands alone, anything like a secret everywhere."""
    if part.isalpha() and part.islower() and len(part) < 2 * LEAST:
        return re.sub(rf"(?<!\w){part}(?!\w)", GONE, text)
    return text.replace(part, GONE)
