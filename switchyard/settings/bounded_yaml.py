"""YAML that somebody else wrote, read within limits: of size, depth, what its aliases stand for, and time."""

from __future__ import annotations

import contextlib
import time

import yaml

from switchyard.core.errors import BadInput
from switchyard.core.wire.message import Json

SIZE_MOST = 1024 * 1024
"""Characters of a text."""
DEPTH_MOST = 50
"""Lists and mappings in one another."""
VALUES_MOST = 30_000
"""Keys and values, with each alias counted as all that it stands for."""
SECONDS_MOST = 10.0
TEXT_MOST = 200
"""Characters of a reason."""
_FAST: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The parser that counts: that of libyaml, where PyYAML has it."""
_WRONG_VALUE = (yaml.YAMLError, ValueError, ArithmeticError, LookupError, TypeError, AttributeError, RecursionError)
"""What PyYAML raises for a value that its tag or its look promises and that it is not, such as a date of month 13."""


def load(text: str, name: str) -> Json:
    """Return the value of a text. Raise ``BadInput`` with the name, and the line where there is one."""
    values = documents(text, name, yaml.SafeLoader)
    if len(values) > 1:
        raise BadInput(f"{name}: not YAML: more than one document")
    return values[0] if values else None


def documents(text: str, name: str, loader: type[yaml.SafeLoader]) -> list[Json]:
    """Return the values of a text's documents, as a loader builds them. Raise ``BadInput`` as ``load`` does."""
    _require_little(text, name)
    try:
        return [*yaml.load_all(text, Loader=loader)]
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise BadInput(f"{name}{line}: not YAML: {error.problem}") from None
    except _WRONG_VALUE as error:
        raise BadInput(f"{name}: not YAML: {_first_line(error)}") from None


def compose(text: str, name: str) -> yaml.Node | None:
    """Return the nodes of a text, each with its line; None for one without content. Raise ``BadInput``."""
    _require_little(text, name)
    try:
        return yaml.compose(text)
    except yaml.YAMLError as error:
        raise BadInput(f"{name}: not YAML: {_first_line(error)}") from None


def _require_little(text: str, name: str) -> None:
    """Raise ``BadInput`` for a text that exceeds a limit, before anything is built from it."""
    if len(text) > SIZE_MOST:
        raise BadInput(f"{name}: it has more than {SIZE_MOST:,} characters")
    try:
        _count(text, name, _FAST)
    except yaml.YAMLError:  # the other parser may read what this one does not
        with contextlib.suppress(yaml.YAMLError):  # whoever reads it next says so with more words
            _count(text, name, yaml.SafeLoader)


def _count(text: str, name: str, parser: type[yaml.SafeLoader]) -> None:
    count = _Count(time.monotonic() + SECONDS_MOST)
    for event in yaml.parse(text, Loader=parser):
        problem = count.add(event)
        if problem:
            mark = event.start_mark
            raise BadInput(f"{name}{f':{mark.line + 1}' if mark else ''}: not YAML: {problem}")


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)[:TEXT_MOST]


class _Count:
    """Counts what the events of a text stand for."""

    def __init__(self, until: float) -> None:
        self._until = until
        self._values = 0
        self._open: list[tuple[str | None, int]] = []
        """The anchors of the lists and mappings that did not end yet, with how many values came before them."""
        self._sizes: dict[str, int] = {}
        """How many values each anchor stands for."""

    def add(self, event: yaml.Event) -> str:
        """Count an event. Return which limit it exceeds; nothing where it does not."""
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, before = self._open.pop()
            if anchor is not None:
                self._sizes[anchor] = self._values - before
        elif isinstance(event, yaml.AliasEvent):
            if any(anchor == event.anchor for anchor, _ in self._open):
                return "an alias stands for itself"
            self._values += 1 + self._sizes.get(event.anchor or "", 0)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._open.append((event.anchor, self._values))
            self._values += 1
        elif isinstance(event, yaml.ScalarEvent):
            self._values += 1
            if any("\ud800" <= character <= "\udfff" for character in event.value):
                return "a text has half of a surrogate pair"
        return self._exceeded()

    def _exceeded(self) -> str:
        if len(self._open) > DEPTH_MOST:
            return f"more than {DEPTH_MOST} lists and mappings stand in one another"
        if self._values > VALUES_MOST:
            return f"it stands for more than {VALUES_MOST:,} keys and values"
        return f"it takes more than {SECONDS_MOST:.0f} s to read" if time.monotonic() > self._until else ""
