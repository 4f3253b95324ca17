"""The compose file as written: its variables are still in place, and show where each value comes from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from switchyard.control import compose
from switchyard.core.compose_document import WrittenService, written_services
from switchyard.core.errors import BadInput
from switchyard.core.wire import json_text
from switchyard.core.wire.message import Json
from switchyard.predeploy.engine.subject import Subject

NAME = re.compile(r"\$(?:\$|([A-Za-z_]\w*)|\{([A-Za-z_]\w*))")


@dataclass(frozen=True)
class Variable:
    """A variable of the compose file."""

    name: str
    required: bool
    """Whether it has no default: without a value, Compose refuses it or leaves a blank."""
    may_be_empty: bool


def services(subject: Subject) -> dict[str, WrittenService]:
    """Return the services as the file writes them. Raise ``BadInput`` with Compose's own words."""
    return written_services(_document(subject))


def variables(subject: Subject) -> dict[str, Variable]:
    """Return the variables that the services use; one that is required anywhere is required."""
    strictest: dict[str, Variable] = {}
    for text in _texts({key: part for key, part in _document(subject).items() if not key.startswith("x-")}):
        for variable in variables_in(text):
            known = strictest.get(variable.name)
            if known is None or (variable.required and not known.required) or not variable.may_be_empty:
                strictest[variable.name] = variable
    return strictest


def variables_in(text: str) -> Iterator[Variable]:
    """Yield the variables of one value, with those in the default of another."""
    for match in NAME.finditer(text):
        name = match[1] or match[2]
        if name is None:
            continue
        after = text[match.end() : match.end() + 2] if match[2] else ""
        operator = after[1:] if after[:1] == ":" else after[:1]
        yield Variable(name, operator not in ("-", "+"), may_be_empty=after[:1] != ":" or operator != "?")


def _document(subject: Subject) -> Mapping[str, Json]:
    document: Mapping[str, Json] = subject.once(f"{subject.top} as written", lambda: _parse(subject))
    return document


def _parse(subject: Subject) -> Mapping[str, Json]:
    file = subject.folder / subject.app.compose
    if not file.is_file():
        raise BadInput(f"app.compose: {subject.app.path}/{subject.app.compose} does not exist")
    compose.refuse_foreign_reads(subject.top, subject.app, subject.env)
    words = ["config", "--format", "json", "--no-interpolate"]
    process = compose.run(subject.folder, "-p", subject.app.name, "-f", str(file), *words)
    if process.returncode != 0:
        error = process.stderr.strip().replace(f"{subject.top}/", "")
        raise BadInput(f"{subject.app.compose}: Docker Compose says: {error}")
    return json_text.parse_object(process.stdout)


def _texts(value: Json) -> Iterator[str]:
    """Yield every text in a document."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _texts(part)
