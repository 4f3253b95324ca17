"""Remove the values of the env from whatever is shown or kept: by value, wherever a text comes from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence

from switchyard.core.wire.message import Json

LEAST = 6
"""Characters of the shortest value to remove. A shorter one would blank out ordinary words."""
GONE = "•••"
_PASSWORD = re.compile(r"://[^/\s:@]*:([^/\s@]+)@")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")


def spellings(values: Iterable[str]) -> list[str]:
    """Return every form in which a text may hold a value: whole, one line, a URL's password, escaped. Longest first."""
    forms: set[str] = set()
    for value in values:
        passwords = _PASSWORD.findall(value)
        plain = [_ESCAPE.sub(lambda match: chr(int(match[1], 16)), password) for password in passwords]
        for part in (value, *map(str.strip, value.splitlines()), *passwords, *plain):
            forms |= {part, json.dumps(part)[1:-1], json.dumps(part, ensure_ascii=False)[1:-1]}
    return sorted((part for part in forms if len(part) >= LEAST), key=lambda part: (-len(part), part))


def redact(text: str, spelled: Sequence[str]) -> str:
    """Return the text without these spellings."""
    for part in spelled:
        text = _without(text, part)
    return text


def redact_all(value: Json, spelled: Sequence[str]) -> Json:
    """Return the same JSON value with every text in it redacted. Keys stay."""
    if isinstance(value, Mapping):
        return {key: redact_all(item, spelled) for key, item in value.items()}
    if isinstance(value, str):
        return redact(value, spelled)
    return [redact_all(item, spelled) for item in value] if isinstance(value, Sequence) else value


def _without(text: str, part: str) -> str:
    """Remove a plain word only where it stands alone, and anything that looks like a secret everywhere."""
    if part.isalpha() and part.islower() and len(part) < 2 * LEAST:
        return re.sub(rf"(?<!\w){part}(?!\w)", GONE, text)
    return text.replace(part, GONE)
