"""Remove secrets from a text, in whatever way a tool spells them.

A tool may escape a secret (JSON, shell, URL, HTML, ``repr``), encode it (base64 at any alignment, hex), and split it
over lines. Nothing escapes letters and digits, so the longest run of them is looked for first, which is fast, and the
whole spelling around it only where it is found. Lines are joined before.
"""

from __future__ import annotations

import base64
import bisect
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from switchyard.core.outside_text import GONE, plain, without_passwords
from switchyard.core.secrecy import LEAST, NAMED_LEAST
from switchyard.core.wire.message import Json

Span: TypeAlias = "tuple[int, int]"
_BREAK = re.compile(r"\\?\n[ \t]*")
"""What joins two lines when it is removed."""
_RUN = re.compile(r"\w+", re.ASCII)
_ORDINARY_WORD = re.compile(r"[a-z]{1,11}|(?=.{1,23}\Z)[a-z]+(?:[_.-][a-z]+)+|\d{1,7}")
"""A secret that may also be a part of a name. It is removed only where it stands alone."""
_ESCAPED_BEFORE = re.compile(r"(?:\\[nrtbfv]|%[\dA-Fa-f]{2}|\\x[\dA-Fa-f]{2}|\\u[\dA-Fa-f]{4}|\[[\d;]*m)\Z")
"""An escape that ends in a letter, before which a word stands alone all the same."""
_SAID_SECRET = re.compile(
    r"""(?:PASS|SECRET|TOKEN|KEY|PWD|DSN|CREDENTIAL)[\w-]*["'\]]{0,2}\s{0,2}(?:[:=]|=>|is)?\s{0,2}["']?\Z""",
    re.IGNORECASE,
)
_MARK = re.compile(r"-----(?:BEGIN|END) [A-Z0-9 ]+-----")
"""The first and the last line of every key and certificate."""
_SEPARATORS = str.maketrans("", "", ": ,-\\%xX")
_SEPARATED = r"(?:0?[xX]|[\s:,\\%-]){0,4}"
"""What may stand between two bytes in hex."""
_EXPANDS = 14
"""Characters at most for one in any spelling."""
_RUN_LEAST = 3
"""Characters of a run that is worth looking for."""
_HITS_MOST = 20_000
"""Hits of a run from which on one search of the whole text is faster than a look around each hit."""
_NAMED = {'"': "quot", "'": "apos", "&": "amp", "<": "lt", ">": "gt"}
_LETTERS = {"\n": "n", "\t": "t", "\r": "r", "\b": "b", "\f": "f"}
_DOUBLED = {"'": r"''|'\\''|'\"'\"'", '"': '""', "$": r"\$\$", "%": "%%"}


class Redactor:
    """Removes these secrets. ``names`` are never removed as such, though one may be a secret too."""

    def __init__(self, secrets: Iterable[str] = (), names: Collection[str] = ()) -> None:
        parts = {part for secret in secrets for part in _parts(secret)}
        self._spellings = tuple(_Spelling.of(part, names) for part in sorted(parts))

    def __call__(self, text: str) -> str:
        """Return the text without control characters, and then without the secrets."""
        text = plain(text)
        if not self._spellings or len(text) < NAMED_LEAST:
            return without_passwords(text)
        joined, cuts, removed = _joined(text)
        squeezed = joined.replace("0x", "").translate(_SEPARATORS).lower()
        spans = []
        for spelling in self._spellings:
            for start, end in spelling.spans(joined, squeezed):
                is_split = bisect.bisect_right(cuts, start) != bisect.bisect_left(cuts, end)
                begins = start + removed[bisect.bisect_right(cuts, start)]
                ends = end + removed[bisect.bisect_left(cuts, end)]
                if not (is_split and spelling.is_short) and not spelling.is_part_of_a_name(text, begins, ends):
                    spans.append((begins, ends))
        return without_passwords(_without(text, spans))

    def all(self, value: Json) -> Json:
        """Return the same JSON value with every text in it redacted. Keys stay."""
        if isinstance(value, Mapping):
            return {key: self.all(item) for key, item in value.items()}
        if isinstance(value, str):
            return self(value)
        return [self.all(item) for item in value] if isinstance(value, Sequence) else value


NOTHING = Redactor()
"""Removes control characters alone."""


class _Spelling(NamedTuple):
    """One secret, with what it is found by."""

    secret: str
    run: str
    """Its longest run of characters that every tool leaves as they are."""
    pattern: re.Pattern[str] | None
    """Every way to escape the secret; None where there is nothing to escape."""
    encoded: tuple[str, ...]
    """The secret in base64."""
    hex: str
    is_word: bool
    holders: tuple[str, ...]
    """The names that contain this word."""

    @classmethod
    def of(cls, secret: str, names: Collection[str]) -> _Spelling:
        lines = _BREAK.sub("\n", secret)
        run = max(_RUN.findall(lines), key=len, default="")
        is_plain, is_word = run == secret, _ORDINARY_WORD.fullmatch(secret) is not None
        encoded = {core for text in {secret, json.dumps(secret)[1:-1]} for core in _base64(text)}
        return cls(
            secret,
            run,
            None if is_plain else re.compile("".join(map(_spelled, lines))),
            tuple(sorted(encoded)),
            _bytes(secret).hex(),
            is_word,
            tuple(name for name in names if secret in name) if is_word else (),
        )

    @property
    def is_short(self) -> bool:
        return len(self.secret) < LEAST

    def spans(self, joined: str, squeezed: str) -> Iterator[Span]:
        """Yield where the secret stands in a text of one line, however it is spelled."""
        yield from self._escaped(joined)
        for core in self.encoded:
            yield from _finds(joined, core)
        if self.hex in squeezed:
            pairs = (self.hex[at : at + 2] for at in range(0, len(self.hex), 2))
            for match in re.finditer(_SEPARATED.join(pairs), joined, re.IGNORECASE):
                yield match.span()

    def _escaped(self, joined: str) -> Iterator[Span]:
        if self.pattern is None:
            yield from _finds(joined, self.run)
            return
        hits = [*_finds(joined, self.run)] if len(self.run) >= _RUN_LEAST else None
        if hits is None or len(hits) > _HITS_MOST:
            yield from (match.span() for match in self.pattern.finditer(joined))
            return
        before, done = self.secret.find(self.run) * _EXPANDS, 0
        length = len(self.secret) * _EXPANDS
        for start, _ in hits:
            match = self.pattern.search(joined, max(done, start - before), start + length) if start >= done else None
            if match is not None:
                done = match.end()
                yield match.span()

    def is_part_of_a_name(self, text: str, start: int, end: int) -> bool:
        """Return whether a word stands there within a name, or within a path or another word."""
        if not self.is_word or text[start:end] != self.secret:
            return False
        before, after = text[max(0, start - 1) : start], text[end : end + 1]
        if _is_of_a_word(after) or after == "/" or (before == "/" and text[start - 2 : start] != "//"):
            return True
        if _is_of_a_word(before) and _ESCAPED_BEFORE.search(text, max(0, start - 16), start) is None:
            return True
        if self.secret in self.holders and after != "@" and not _SAID_SECRET.search(text, max(0, start - 48), start):
            return True
        return any(_stands(name, self.secret, text, start) for name in self.holders if name != self.secret)


def _parts(secret: str) -> Iterator[str]:
    """Yield what is secret by itself of a secret: all of it, and each line of several."""
    whole = plain(secret).strip()
    yield from (part for part in {whole, secret.strip()} if len(part) >= NAMED_LEAST)
    lines = [line.strip() for line in whole.splitlines()]
    if len(lines) > 1:
        yield from (line for line in lines if len(line) >= LEAST and not _MARK.fullmatch(line))


def _joined(text: str) -> tuple[str, list[int], list[int]]:
    """Return the text as one line; where it was cut in that, and how much was removed up to each cut."""
    parts, cuts, removed, at = [], [], [0], 0
    for each in _BREAK.finditer(text) if "\n" in text else ():
        parts.append(text[at : each.start()])
        at = each.end()
        cuts.append(each.start() - removed[-1])
        removed.append(removed[-1] + at - each.start())
    return ("".join([*parts, text[at:]]), cuts, removed) if parts else (text, cuts, removed)


def _without(text: str, spans: list[Span]) -> str:
    parts: list[str] = []
    at = 0
    for start, end in sorted(spans):
        if start > at or not parts:
            parts += [text[at:start], GONE]
        at = max(at, end)
    return "".join([*parts, text[at:]])


def _is_of_a_word(character: str) -> bool:
    return character.isalnum() or (character != "" and character in "_-")


def _finds(text: str, part: str) -> Iterator[Span]:
    start = text.find(part)
    while start >= 0:
        yield start, start + len(part)
        start = text.find(part, start + len(part))


def _stands(name: str, part: str, text: str, start: int) -> bool:
    """Return whether a part stands in a text within this name."""
    offsets = (match.start() for match in re.finditer(re.escape(part), name))
    return any(text.startswith(name, start - offset) for offset in offsets if start >= offset)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _base64(text: str) -> Iterator[str]:
    """Yield what base64 makes of a text, whatever stands before and after: once for each of the three alignments."""
    data = _bytes(text)
    for shift, dropped in enumerate((0, 2, 3)):
        size = (shift + len(data)) * 8 // 6
        core = base64.b64encode(bytes(shift) + data).decode()[dropped:size]
        if len(core) >= NAMED_LEAST:
            yield from {core, core.translate(str.maketrans("+/", "-_")), core.replace("/", "\\/")}
            yield core.replace("+", "%2B").replace("/", "%2F")


def _spelled(character: str) -> str:
    """Return the pattern of every spelling of a character that tools escape."""
    if re.fullmatch(r"\w", character, re.ASCII):
        return character
    code, data = ord(character), _bytes(character)
    units = [f"{unit:04x}" for unit in _utf16(character)]
    forms = [
        r"\\*" + re.escape(character) if character != "\\" else r"\\*",  # at the end of a line, it goes with that
        *_DOUBLED.get(character, "").split("|"),
        "".join(rf"\\+u(?i:{unit})" for unit in units),
        rf"\\+U(?i:{code:08x})",
        "".join(rf"\\+x(?i:{byte:02x})" for byte in data),
        "".join(rf"\\+0?{byte:03o}" for byte in data),
        "".join(rf"%(?:25)*(?i:{byte:02x})" for byte in data),
        rf"&(?:amp;)*(?:#0*{code}|#[xX]0*(?i:{code:x})|{_NAMED.get(character, '#')});",
    ]
    if code < 256:
        forms.append(rf"\\+x(?i:{code:02x})")
    if character in _LETTERS:
        forms.append(rf"(?:\\+r)?\\+{_LETTERS[character]}")
    if character == " ":
        forms.append(r"\+")
    any_form = "|".join(dict.fromkeys(form for form in forms if form))
    return rf"(?:{any_form})" + ("?" if character in " \n" else "")  # a line ends there, and was joined


def _utf16(character: str) -> Sequence[int]:
    data = character.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(pair, "big") for pair in (data[:2], data[2:]) if pair]
