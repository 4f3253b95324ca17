"""Field types of the settings, and the base of their sections."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from switchyard.core.tree_pattern import problem_of
from switchyard.core.wire.terms import ROUTE_NAME, ROUTE_PATH, SERVICE

PORT_MAX = 65535

Port = Annotated[int, Field(strict=True, ge=1, le=PORT_MAX)]
Seconds = Annotated[int, Field(strict=True, ge=0)]
Command = Annotated[list[str], Field(min_length=1)]
VOLUME = r"[a-zA-Z0-9][a-zA-Z0-9_.-]*"
REQUEST = r"/[!-~]*"
PLACE = r"[^\x00-\x1f\x7f-\x9f\u2028\u2029$]+"


def _service(value: str) -> str:
    """Return the name of a service. Raise ``ValueError`` for any other text."""
    if not re.fullmatch(SERVICE, value):
        raise ValueError("expected the name of a service: letters, digits, dots, underscores and hyphens")
    return value


def _volume(value: str) -> str:
    """Return the name of a volume of the engine. Raise ``ValueError`` for any other text."""
    if not re.fullmatch(VOLUME, value):
        raise ValueError("expected the name of a volume: letters, digits, dots, underscores and hyphens")
    return value


def _request_path(value: str) -> str:
    """Return the path of a request, with its query. Raise ``ValueError`` for any other text."""
    if not re.fullmatch(REQUEST, value):
        raise ValueError("expected a path such as /health?full=1; write other characters as %20")
    return value


def _route_name(value: str) -> str:
    """Return the name that a route takes. Raise ``ValueError`` for any other text."""
    if not re.fullmatch(ROUTE_NAME, value):
        raise ValueError(
            "expected a name in lower case without a port, such as shop.example.com or *.example.com; write one with "
            "other letters as browsers send it (xn--...)"
        )
    return value


def _route_path(value: str) -> str:
    """Return the path that a route takes, empty for every one. Raise ``ValueError`` for one that never matches."""
    path = value.rstrip("/")
    if not value.startswith("/") or (path and not re.fullmatch(ROUTE_PATH, path)):
        raise ValueError(
            "expected a path such as /api, of letters, digits, dots, underscores, hyphens and tildes; a request has no "
            "other path that begins with this one"
        )
    return path


def _place(value: str) -> str:
    """Return a path as a generated document may hold it. Raise ``ValueError`` for any other text."""
    if not re.fullmatch(PLACE, value):
        raise ValueError("expected a path without $, line breaks and control characters")
    return value


def _pattern(value: str) -> str:
    """Return a pattern of files of the application. Raise ``ValueError`` for one that leads out of its folder."""
    if is_way_out(value):
        raise ValueError("expected a pattern of files in the application's folder, such as migrations/*.sql")
    return value


def is_way_out(pattern: str) -> bool:
    """Return whether a pattern names files outside of the folder that it starts from."""
    return pattern.startswith("~") or bool(problem_of(pattern))


ServiceName = Annotated[str, AfterValidator(_service)]
RouteName = Annotated[str, AfterValidator(_route_name)]
RoutePath = Annotated[str, AfterValidator(_route_path)]
VolumeName = Annotated[str, AfterValidator(_volume)]
"""A volume of the engine."""
RequestPath = Annotated[str, AfterValidator(_request_path)]
"""The path of an HTTP request, with its query."""
Place = Annotated[str, AfterValidator(_place)]
"""A path that stands in a generated document, where ``$`` would begin a variable."""

Pattern = Annotated[str, AfterValidator(_pattern)]
"""Files of the application, relative to its folder."""


class Section(BaseModel):
    """A mapping of the settings. An unknown key is an error."""

    model_config = ConfigDict(extra="forbid")


def known_keys() -> set[str]:
    """Return every key of every section, to suggest the nearest one for an unknown key."""
    return {field.alias or name for section in _sections(Section) for name, field in section.model_fields.items()}


def _sections(section: type[BaseModel]) -> list[type[BaseModel]]:
    return [section, *(nested for subclass in section.__subclasses__() for nested in _sections(subclass))]
