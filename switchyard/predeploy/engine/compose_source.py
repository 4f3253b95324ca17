"""The compose file as it is written: its variables still in place, which tells what came from where."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from switchyard.control import compose as resolve
from switchyard.core.errors import BadInput
from switchyard.predeploy.engine.subject import Subject

NAME = re.compile(r"\$(?:\$|([A-Za-z_]\w*)|\{([A-Za-z_]\w*))")


@dataclass(frozen=True)
class Variable:
    """A variable of the compose file."""

    name: str
    required: bool
    """Whether nothing stands in for it: it is refused or blank without a value."""
    may_be_empty: bool


def document(subject: Subject) -> dict[str, Any]:
    """The compose document with nothing filled in. Raises ``BadInput`` with Compose's words."""
    made: dict[str, Any] = subject.once(f"{subject.top} as written", lambda: _document(subject))
    return made


def _document(subject: Subject) -> dict[str, Any]:
    file = subject.folder / subject.app.compose
    if not file.is_file():
        raise BadInput(f"app.compose: there is no {subject.app.path}/{subject.app.compose}")
    asked = ["config", "--format", "json", "--no-path-resolution", "--no-interpolate"]
    done = resolve.compose(subject.folder, "-p", subject.app.name, "-f", str(file), *asked)
    if done.returncode != 0:
        words = done.stderr.strip().replace(f"{subject.top}/", "")
        raise BadInput(f"{subject.app.compose}: Docker Compose says: {words}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def variables(subject: Subject) -> dict[str, Variable]:
    """The variables that the services are made from; one that is required anywhere is required."""
    found: dict[str, Variable] = {}
    for text in strings({key: part for key, part in document(subject).items() if not key.startswith("x-")}):
        for variable in of_text(text):
            before = found.get(variable.name)
            if before is None or (variable.required and not before.required) or not variable.may_be_empty:
                found[variable.name] = variable
    return found


def of_text(text: str) -> Iterator[Variable]:
    """The variables of one value, those that stand in for another among them."""
    for found in NAME.finditer(text):
        name = found[1] or found[2]
        if name is None:
            continue
        after = text[found.end() : found.end() + 2] if found[2] else ""
        sign = after[1:] if after[:1] == ":" else after[:1]
        yield Variable(name, sign not in ("-", "+"), may_be_empty=after[:1] != ":" or sign != "?")


def strings(value: Any) -> Iterator[str]:
    """Every text in a document."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from strings(part)


def pairs(value: Any) -> dict[str, str]:
    """``environment``, ``labels`` or ``args`` in either form, without names that have no value."""
    if isinstance(value, Mapping):
        return {str(key): str(item) for key, item in value.items() if item is not None}
    return dict(item.split("=", 1) for item in value or () if "=" in item)
