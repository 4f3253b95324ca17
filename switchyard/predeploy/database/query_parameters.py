"""Parameters of recorded queries, in the styles of the common drivers."""

from __future__ import annotations

import re
from collections.abc import Mapping

from switchyard.core.errors import NotChecked
from switchyard.core.wire.message import Json
from switchyard.predeploy.database.syntax_tree import parse

_PARAMETERS = re.compile(
    r"(?P<kept>'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/)"
    r"|%%|%(?:\((?P<name>\w+)\))?[sbt](?!\w)|(?<![:\w]):(?P<other>[A-Za-z_]\w*)",
    re.DOTALL,
)


def numbered(text: str) -> str:
    """Return a query with the server's own parameters (``$1``).

    It may have those of psycopg (``%s``, ``%(name)s``) or of SQLAlchemy (``:name``).
    """
    return _numbered(text)[0]


def bind(text: str, parameters: Mapping[str, Json]) -> tuple[str, list[Json]]:
    """Return a query with the server's own parameters, and their values in order.

    Raise ``NotChecked`` where the settings lack a parameter or have one that the query does not.
    """
    if not parameters:
        return text, []
    query, names = _numbered(text)
    numbers = {number for statement in parse(query) for number in statement.parameters()}
    names = names or [str(number) for number in range(1, max(numbers, default=0) + 1)]
    for name in names:
        if name not in parameters:
            raise NotChecked(f"params of app.predeploy.database.critical do not say what its parameter {name} is")
    for name in parameters:
        if name not in names:
            raise NotChecked(
                f"params of app.predeploy.database.critical say what {name} is, and it has no such parameter"
            )
    return query, [parameters[name] for name in names]


def _numbered(text: str) -> tuple[str, list[str]]:
    """Return the query, and the names of its parameters by their numbers. A nameless one is called by its number."""
    names: list[str] = []

    def number(match: re.Match[str]) -> str:
        if match.group("kept"):
            return match.group()
        if match.group() == "%%":
            return "%"
        name = match.group("name") or match.group("other") or str(len(names) + 1)
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    return _PARAMETERS.sub(number, text), names
