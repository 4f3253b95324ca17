"""What names and values look like: of a secret, of a placeholder, of a password in an address. Pure."""

from __future__ import annotations

import math
import re
from collections import Counter

_SECRET = re.compile(
    r"PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN(?![A-Za-z])|CREDENTIAL|PGPASS"
    r"|(?:API|ACCESS|PRIVATE|FERNET|ENCRYPTION|SIGNING|MASTER)[_-]?KEY"
    r"|(?:^|[_.-])(?:ACCOUNT|APP|AUTH|COOKIE|HMAC|JWT|OPENAI|SENDGRID|SESSION|STRIPE|TWILIO|WEBHOOK)[_-]?KEY"
    r"|(?<!\bBY)(?<=\w)[_.-](?:PASS|PWD)$",
    re.IGNORECASE,
)
"""``PWD`` alone is the folder that a shell is in."""
_ABOUT = re.compile(
    r"(?:^|[_.-])(?:FILE|PATH|URL|URI|NAME|ID|TTL|SECONDS|MINUTES|DAYS|AGE|LENGTH|SIZE|LIMIT|COUNT|MAX|MIN|EXPIRES?|EXPIRY"
    r"|HEADER|FIELD|ALGORITHM|ALGO|TYPE|HOST|PORT|ENABLED|REQUIRED|PREFIX|BACKEND|PARALLELISM)$",
    re.IGNORECASE,
)
"""How the name ends of what only tells something about a secret."""
_PLACEHOLDER = re.compile(
    r"change[-_ ]?(?:me|it|this)(?:[-_ !.].*)?|replace[-_ ]?(?:me|it|this|with)(?:[-_ !.].*)?|x{3,}|\*{3,}|\.{3,}|…"
    r"|<(?:[a-z][\w ',…-]*|\.{3}|…)>|your[-_ ](?:[^\W_]+[-_ ])*"
    r"(?:api|key|secret|pass(?:word|wd|phrase)?|token|user(?:name)?|name|id|value|url|host|domain|email)(?:[@.].*)?"
    r"|(?:insert|fill|put|enter|paste|your)[-_ ](?:.+[-_ ])?here|(?:insert|enter|paste)[-_ ]your[-_ ].+"
    r"|placeholder|todo|tbd|fixme|dummy",
    re.IGNORECASE,
)
"""Words that ask for a value. ``fill_or_kill``, ``your-bets.example.org`` and ``<noreply@example.org>`` are values."""
_GENERIC = re.compile(
    r"p(?:ass)?w(?:or)?d|pass(?:wd)?|secret|token|key|user(?:name)?|example|sample|test(?:ing)?|foo|bar|fake|hunter2",
    re.IGNORECASE,
)
"""Words that stand for a password in documents."""
_SWITCH = re.compile(r"true|false|yes|no|on|off|none|null|[01]", re.IGNORECASE)
_PLACE = re.compile(r"(?:~|\.{1,2})?/\S*|https?://[^@?\s]*", re.IGNORECASE)
_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://([^\s:@/'\"<>]*):([^\s@/'\"<>]+)@([^\s/:?'\"<>,]+)", re.IGNORECASE)
_NOWHERE = re.compile(
    r"localhost|127(?:\.\d+){3}|\[?::1\]?|(?:.*\.)?(?:example|invalid|test|localhost)|(?:.*\.)?example\.(?:com|org|net)",
    re.IGNORECASE,
)
"""Hosts that are one's own machine, or that stand in documents only."""
_WORD = re.compile(r"[A-Za-z]*\d{0,4}")
"""A part of a name, with its number."""
RANDOM = 3.0
"""Bits a character from which a value looks drawn by lot."""


def is_secret_name(name: str) -> bool:
    """Whether a variable of this name holds a secret, not something about one."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return bool(_SECRET.search(words)) and not _ABOUT.search(words)


def is_placeholder(value: str) -> bool:
    """Whether a value only stands where one is meant to be."""
    return _PLACEHOLDER.fullmatch(value.strip()) is not None


def is_open(value: str) -> bool:
    """Whether a value is no secret, whatever its name is: yes or no, an address, or where a file is."""
    value = value.strip()
    return _SWITCH.fullmatch(value) is not None or (_PLACE.fullmatch(value) is not None and not is_random(value))


def is_random(value: str) -> bool:
    """Whether a value looks drawn by lot: many different characters, digits among letters, and no name in words."""
    if all(_WORD.fullmatch(part) for part in re.split(r"[_.\-/:]", value)):
        return False
    mixed = any(char.isdigit() for char in value) and any(char.isalpha() for char in value)
    return mixed and entropy(value) >= RANDOM


def entropy(value: str) -> float:
    """Bits a character."""
    counts = Counter(value).values()
    return -sum(count / len(value) * math.log2(count / len(value)) for count in counts)


def passwords(text: str) -> list[tuple[str, int]]:
    """The passwords that stand in addresses, each with its position; not those that lead nowhere or stand for one.

    ``user:password@localhost`` is none: it opens nothing but the reader's own machine, and every manual is full of it.
    """
    return [
        (found[2], found.start(2))
        for found in _ADDRESS.finditer(text)
        if is_written(found[2]) and not _GENERIC.fullmatch(found[2]) and not _NOWHERE.fullmatch(found[3])
    ]


def is_written(value: str) -> bool:
    """Whether it is a value itself, no variable, template or placeholder."""
    return bool(value) and not re.search(r"[${}<>%()]", value) and not is_placeholder(value)
