"""Text as a word of HAProxy's configuration, maps and commands: what may stand there, and nothing else."""

from __future__ import annotations

from switchyard.core.errors import BadInput

PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:")
"""The characters of names, numbers, and addresses. None of them ends a word, a line or a command, or begins a quote, a
comment, a variable or a format."""
OF_PATHS = PLAIN | frozenset("/?%=&+,;@!*~()$")
"""The characters that a request may have in its path and query. ``'`` is one too, but HAProxy takes it for a quote."""


def word(text: str) -> str:
    """Return a text that HAProxy reads as one word. Raise ``BadInput`` for any other text."""
    if not text or not PLAIN.issuperset(text):
        raise BadInput(f"{text[:80]!r} cannot be a name in the edge's configuration")
    return text


def network(text: str) -> str:
    """Return a network of addresses, such as ``10.0.0.0/8``. Raise ``BadInput`` for any other text."""
    return "/".join(word(part) for part in text.split("/", 1))


def request_path(text: str) -> str:
    """Return the path of a request as HAProxy reads one word: other characters are escaped as in any address."""
    escaped = "".join(each if each in OF_PATHS else _percent(each) for each in text)
    return escaped if escaped.startswith("/") else f"/{escaped}"


def _percent(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode(errors="replace"))
