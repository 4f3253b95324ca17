"""Recognize the names and values of secrets, placeholders, and passwords in addresses. Pure."""

from __future__ import annotations

import math
import re
from collections import Counter

_SECRET_NAME = re.compile(
    r"PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN(?![A-Za-z])|CREDENTIAL|PGPASS"
    r"|(?:API|ACCESS|PRIVATE|FERNET|ENCRYPTION|SIGNING|MASTER)[_-]?KEY"
    r"|(?:^|[_.-])(?:ACCOUNT|APP|AUTH|COOKIE|HMAC|JWT|OPENAI|SENDGRID|SESSION|STRIPE|TWILIO|WEBHOOK)[_-]?KEY"
    r"|(?<!\bBY)(?<=\w)[_.-](?:PASS|PWD)$",
    re.IGNORECASE,
)
"""Names of secrets. ``PWD`` alone is a shell's working directory."""
_DESCRIPTION = re.compile(
    r"(?:^|[_.-])(?:FILE|PATH|URL|URI|NAME|ID|TTL|SECONDS|MINUTES|DAYS|AGE|LENGTH|SIZE|LIMIT|COUNT|MAX|MIN|EXPIRES?|EXPIRY"
    r"|HEADER|FIELD|ALGORITHM|ALGO|TYPE|HOST|PORT|ENABLED|REQUIRED|PREFIX|BACKEND|PARALLELISM)$",
    re.IGNORECASE,
)
"""The ends of names that only describe a secret: where it is, how long it is valid."""
_PLACEHOLDER = re.compile(
    r"change[-_ ]?(?:me|it|this)(?:[-_ !.].*)?|replace[-_ ]?(?:me|it|this|with)(?:[-_ !.].*)?|x{3,}|\*{3,}|\.{3,}|…"
    r"|<(?:[a-z][\w ',…-]*|\.{3}|…)>|your[-_ ](?:[^\W_]+[-_ ])*"
    r"(?:api|key|secret|pass(?:word|wd|phrase)?|token|user(?:name)?|name|id|value|url|host|domain|email)(?:[@.].*)?"
    r"|(?:insert|fill|put|enter|paste|your)[-_ ](?:.+[-_ ])?here|(?:insert|enter|paste)[-_ ]your[-_ ].+"
    r"|placeholder|todo|tbd|fixme|dummy",
    re.IGNORECASE,
)
"""Texts that ask for a value. ``fill_or_kill``, ``your-bets.example.org`` and ``<noreply@example.org>`` are values."""
_GENERIC = re.compile(
    r"p(?:ass)?w(?:or)?d|pass(?:wd)?|secret|token|key|user(?:name)?|example|sample|test(?:ing)?|foo|bar|fake|hunter2",
    re.IGNORECASE,
)
"""Words that documents use in place of a password."""
_YES_OR_NO = re.compile(r"true|false|yes|no|on|off|none|null|[01]", re.IGNORECASE)
_LOCATION = re.compile(r"(?:~|\.{1,2})?/\S*|https?://[^@?\s]*", re.IGNORECASE)
_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://([^\s:@/'\"<>]*):([^\s@/'\"<>]+)@([^\s/:?'\"<>,]+)", re.IGNORECASE)
_NO_REAL_HOST = re.compile(
    r"localhost|127(?:\.\d+){3}|\[?::1\]?|(?:.*\.)?(?:example|invalid|test|localhost)|(?:.*\.)?example\.(?:com|org|net)",
    re.IGNORECASE,
)
"""Hosts that are the reader's own machine, or that exist in documents only."""
_WORD = re.compile(r"[A-Za-z]*\d{0,4}")
"""A word of a name, with its number."""
RANDOM_ENTROPY = 3.0
"""Bits per character from which a value looks randomly generated."""


def is_secret_name(name: str) -> bool:
    """Tell whether a variable of this name contains a secret, rather than something about one."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return bool(_SECRET_NAME.search(words)) and not _DESCRIPTION.search(words)


def is_placeholder(value: str) -> bool:
    """Tell whether a text is a placeholder for a value."""
    return _PLACEHOLDER.fullmatch(value.strip()) is not None


def is_public(value: str) -> bool:
    """Tell whether a value is not secret whatever its name: yes or no, an address, or a file's path."""
    value = value.strip()
    return _YES_OR_NO.fullmatch(value) is not None or (_LOCATION.fullmatch(value) is not None and not is_random(value))


def is_random(value: str) -> bool:
    """Tell whether a value looks randomly generated: high entropy, letters mixed with digits, not a name in words."""
    if all(_WORD.fullmatch(part) for part in re.split(r"[_.\-/:]", value)):
        return False
    mixed = any(char.isdigit() for char in value) and any(char.isalpha() for char in value)
    return mixed and entropy(value) >= RANDOM_ENTROPY


def entropy(value: str) -> float:
    """Return the entropy of a text in bits per character."""
    counts = Counter(value).values()
    return -sum(count / len(value) * math.log2(count / len(value)) for count in counts)


def passwords(text: str) -> list[tuple[str, int]]:
    """Return the passwords in addresses, each with its position in the text.

    Leave out placeholders and addresses of no real host: ``user:password@localhost`` opens only the reader's own
    machine, and manuals are full of it.
    """
    return [
        (address[2], address.start(2))
        for address in _ADDRESS.finditer(text)
        if is_literal(address[2]) and not _GENERIC.fullmatch(address[2]) and not _NO_REAL_HOST.fullmatch(address[3])
    ]


def is_literal(value: str) -> bool:
    """Tell whether a text is a value itself, not a variable, a template or a placeholder."""
    return bool(value) and not re.search(r"[${}<>%()]", value) and not is_placeholder(value)
