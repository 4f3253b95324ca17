"""A mapping of foreign JSON, read key by key. A value of the wrong shape is a ``WireError`` that names its path."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, TypeVar

from switchyard.core.wire.message import Json, WireError

T = TypeVar("T")


class Section(NamedTuple):
    """A part of a document. An absent key and a null one are the same."""

    raw: Mapping[str, Json]
    at: str

    @classmethod
    def of(cls, value: Json, at: str) -> Section:
        """Start from any value; null is an empty section."""
        if value is None:
            return cls({}, at)
        if not isinstance(value, Mapping):
            raise WireError(f"{at or 'the document'}: expected a mapping")
        return cls(value, at)

    def path(self, key: str) -> str:
        return f"{self.at}.{key}" if self.at else key

    def section(self, key: str) -> Section:
        """Return a part that has keys of its own; an empty one if it is absent."""
        return Section.of(self.raw.get(key), self.path(key))

    def has(self, key: str) -> bool:
        """Return whether a key has a value that is not empty."""
        return bool(self.raw.get(key))

    def is_text(self, key: str) -> bool:
        return isinstance(self.raw.get(key), str)

    def text(self, key: str) -> str | None:
        value = self.raw.get(key)
        if value is None or isinstance(value, str):
            return value
        raise WireError(f"{self.path(key)}: expected text")

    def number(self, key: str) -> int | None:
        """Read a whole number, which may stand as text."""
        value = self.raw.get(key)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        if isinstance(value, str) and value.isdigit():
            return int(value)
        raise WireError(f"{self.path(key)}: expected a whole number")

    def flag(self, key: str, *, default: bool = False) -> bool:
        value = self.raw.get(key)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        raise WireError(f"{self.path(key)}: expected true or false")

    def spelled(self, key: str) -> str:
        """Read text or a number as text; nothing as empty text."""
        value = self.raw.get(key)
        if isinstance(value, (Mapping, list, tuple)):
            raise WireError(f"{self.path(key)}: expected text or a number")
        return "" if value is None else str(value)

    def words(self, key: str) -> tuple[str, ...]:
        """Read a list of words, or the words of a text."""
        value = self.raw.get(key)
        return tuple(value.split() if isinstance(value, str) else map(str, self._items(key)))

    def one_line(self, key: str) -> str:
        """Read a command in either form as one line."""
        value = self.raw.get(key)
        return value if isinstance(value, str) else " ".join(map(str, self._items(key)))

    def pairs(self, key: str) -> dict[str, str]:
        """Read names with values, in the form of a mapping or of a list. A name without a value is left out."""
        value = self.raw.get(key)
        if isinstance(value, Mapping):
            return {name: str(item) for name, item in value.items() if item is not None}
        entries = (str(item).partition("=") for item in self._items(key))
        return {name: item for name, sign, item in entries if sign}

    def part(self, key: str, read: Callable[[Json, str], T]) -> T | None:
        """Read a part that has keys of its own; None where it is absent or empty."""
        value = self.raw.get(key)
        return read(value, self.path(key)) if value else None

    def each(self, key: str, read: Callable[[Json, str], T]) -> tuple[T, ...]:
        """Read every entry of a list."""
        return tuple(read(item, f"{self.path(key)}[{index}]") for index, item in enumerate(self._items(key)))

    def named(self, key: str, read: Callable[[Json, str], T]) -> dict[str, T]:
        """Read every entry of a mapping by its name; a list holds names alone."""
        value = self.raw.get(key)
        if isinstance(value, (list, tuple)):
            value = {str(name): None for name in value}
        section = Section.of(value, self.path(key))
        return {name: read(item, section.path(name)) for name, item in section.raw.items()}

    def _items(self, key: str) -> Iterator[Json]:
        value = self.raw.get(key)
        if value is not None and not isinstance(value, (list, tuple)):
            raise WireError(f"{self.path(key)}: expected a list")
        yield from value or ()
