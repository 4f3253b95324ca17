"""Decide which values of an env are secret. Everything that hides a value asks here.

The rules, of which the first that applies decides:

1. The value of a key that names a secret, and a password in an address, is secret from ``NAMED_LEAST`` characters on.
2. The value of a key that the control node's settings call public is not.
3. Numbers, booleans, names of the Compose document, dotted host names, and paths that exist are not.
4. Anything else is secret from ``LEAST`` characters on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from switchyard.core.compose_document import Document
from switchyard.core.images import ImageReference
from switchyard.core.wire.message import Json


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


NAMED_LEAST = 4
"""Characters of the shortest secret under a key that names one."""
LEAST = 8
"""Characters of the shortest secret under any other key."""
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_STEM = re.compile(r"PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN(?!I[SZ])|CREDENTIAL|APIKEY|(?:ACCESS|PRIVATE|SIGNING)KEY")
"""Parts of a word that make it name a secret."""
_SECRET_WORDS = _words("PASS KEY KEYS PWD DSN AUTH CREDS CRED SALT PEPPER COOKIE WEBHOOK PASSCODE PIN OTP")
_ENDS = ("PASS", "PWD", "KEY")
"""Ends of words that are written together, such as ``DBPASS``."""
_ORDINARY = _words(
    "BYPASS COMPASS OVERPASS UNDERPASS PWD OLDPWD MONKEY TURKEY DONKEY HOCKEY JOCKEY WHISKEY HOTKEY PUBKEY"
)
_DESCRIPTIONS = _words(
    "FILE FILES PATH DIR URL URI NAME NAMES ID TTL SECONDS MINUTES HOURS DAYS AGE LENGTH LEN SIZE LIMIT COUNT "
    "MAX MIN EXPIRE EXPIRES EXPIRY EXPIRATION HEADER FIELD ALGORITHM ALGO TYPE FORMAT HOST PORT ENABLE ENABLED "
    "DISABLED REQUIRED PREFIX SUFFIX BACKEND PARALLELISM POLICY VERSION ISSUER AUDIENCE ROUNDS TIMEOUT MODE "
    "METHOD PROVIDER SCOPE SCOPES LIFETIME USER USERNAME DOMAIN"
)
"""Last words of keys that only describe a secret: where it is, how long it is valid."""
_FLAGS = _words("USE REQUIRE ENABLE DISABLE HAS IS ALLOW SKIP CHECK VERIFY NO")
"""First words of keys that say yes or no about a secret."""
_PUBLISHED = frozenset({"PUBLIC", "PUBLISHABLE"})
_BOOLEAN = re.compile(r"true|false|yes|no|on|off|none|null|enabled?|disabled?", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?\d+(?:[.,:_-]\d+)*")
"""A number, a version, a date, a time, an address of IPv4 with its port."""
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,18}\.?(?::\d{1,5})?")
_RANDOM_LABEL = re.compile(r"(?=(?:[a-z-]*\d){3})(?=(?:[\d-]*[a-z]){3})[a-z\d-]{16,}")
"""A label that looks like a key rather than a word with a number."""
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z\d+.-]{0,30}://([^\s'\"<>]+)")
_ESCAPES = re.compile(r"(?:%[\dA-Fa-f]{2})+")
_ASSIGNED = re.compile(r"""([\w.-]+)\s*=\s*(?:'([^']*)'|"([^"]*)"|([^\s;&,'"]+))""")
"""One assignment of a connection string or of an address's query."""


def names_a_secret(key: str, value: str = "") -> bool:
    """Return whether a key names a secret, rather than something about one."""
    words = [word.upper() for word in _WORDS.findall(key)]
    if not words or words[-1] in _DESCRIPTIONS or (words[0] in _FLAGS and _BOOLEAN.fullmatch(value)):
        return False
    if words[-1] in ("KEY", "KEYS", "DSN") and _PUBLISHED & set(words):
        return False
    if words[-2:] == ["BY", "PASS"] or key.upper() in _ORDINARY:
        return False
    joined = "".join(words)
    return _STEM.search(joined) is not None or any(
        word in _SECRET_WORDS or (word not in _ORDINARY and word.endswith(_ENDS)) for word in words
    )


def is_open(value: str, names: Collection[str] = (), is_path: Callable[[str], bool] = lambda path: False) -> bool:
    """Return whether a value's form shows that it is no secret, if its key does not name one."""
    value = value.strip()
    is_host = _HOST.fullmatch(value) is not None and not any(map(_RANDOM_LABEL.fullmatch, value.split(".")))
    return bool(_BOOLEAN.fullmatch(value) or _NUMBER.fullmatch(value)) or is_host or value in names or is_path(value)


def secret_values(
    variables: Mapping[str, str],
    *,
    public: Collection[str] = (),
    names: Collection[str] = (),
    is_path: Callable[[str], bool] = lambda path: False,
) -> list[str]:
    """Return what is secret of an env: whole values, and the passwords within others.

    ``public``: keys that the control node's settings call public. ``names``: those of the Compose document.
    ``is_path`` tells whether a path exists.
    """
    secrets: set[str] = set()
    for key, value in variables.items():
        secrets |= {part for part in passwords(value) if len(part) >= NAMED_LEAST}
        if names_a_secret(key, value):
            least = NAMED_LEAST
        elif key in public or is_open(value, names, is_path):
            continue
        else:
            least = LEAST
        if len(value.strip()) >= least:
            secrets |= {value, *_members(key, value, names)}
    return sorted(secrets)


def passwords(value: str) -> Iterator[str]:
    """Yield the passwords within a value: of addresses, of their queries, and of connection strings."""
    for address in _ADDRESS.finditer(value):
        authority = re.split(r"[/?#]", address[1])[0]
        wide = address[1] if ":" in authority and "@" not in authority else authority  # a slash that is not escaped
        user, _, password = wide.rpartition("@")[0].partition(":")
        if not password and address[0].startswith("http"):
            password = user  # a token in place of the user
        yield from _unescaped(password)
    for key, *quoted in _ASSIGNED.findall(value):
        if names_a_secret(key):
            yield from {*_unescaped("".join(quoted)), *_unescaped("".join(quoted).partition("#")[0])}


def by_form(text: str) -> list[str]:
    """Return what the form of a text alone shows to be secret, where the values are not known."""
    pairs = re.findall(r"""([\w.-]+)["']?\s*[=:]\s*["']?([^\s"',;&]{4,})""", text)
    return [*(part for part in passwords(text) if part), *(value for key, value in pairs if names_a_secret(key))]


def document_secrets(document: Document) -> list[str]:
    """Return the secrets of a Compose document itself: contents, under keys that name secrets, and in addresses."""
    secrets = {(secret.content or "").replace("$$", "$") for secret in document.secrets.values()} - {""}
    for service in document.services.values():
        arguments = service.build.args if service.build is not None else {}
        for key, value in (*service.environment.items(), *arguments.items()):
            named = [value] if names_a_secret(key, value) else []
            secrets |= {part for part in (*named, *passwords(value)) if len(part.strip()) >= NAMED_LEAST}
    return sorted(secrets)


def names_of(document: Document) -> set[str]:
    """Return the names that stand in a Compose document: of services, images, files, keys, and objects."""
    names = {document.name, *document.networks, *document.volumes, *document.secrets, *document.configs}
    names |= {path for path in document.mounted if path}
    for service in document.services.values():
        image = ImageReference.parse(service.image or "")
        names |= {service.name, service.image or "", image.name, service.container_name or "", service.user or ""}
        names |= {*service.environment, *service.labels, *(service.build.args if service.build is not None else ())}
        names |= {*(mount.target for mount in service.mounts), *(mount.source for mount in service.mounts)}
        names |= {grant.target for grants in service.grants.values() for grant in grants}
    return {name for name in names if name}


def _unescaped(password: str) -> Iterator[str]:
    plain = _ESCAPES.sub(lambda run: bytes.fromhex(run[0].replace("%", "")).decode(errors="replace"), password)
    yield from {password, plain, plain.replace("+", " ")} - {""}


def _members(key: str, value: str, names: Collection[str]) -> Iterator[str]:
    """Yield the texts within a value that is JSON, such as a service account."""
    if value.lstrip()[:1] not in ("{", "["):
        return
    try:
        parsed: Json = json.loads(value)
    except (ValueError, RecursionError):
        return
    waiting = [(key, parsed)]
    while waiting:
        name, item = waiting.pop()
        if isinstance(item, Mapping):
            waiting += item.items()
        elif isinstance(item, str):
            is_named = name != key and names_a_secret(name, item)
            if len(item) >= (NAMED_LEAST if is_named else LEAST) and (is_named or not is_open(item, names)):
                yield item
        elif isinstance(item, Sequence):
            waiting += [(name, each) for each in item]
