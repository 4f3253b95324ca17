"""Field types of the settings, and the base of their sections."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

PORT_MAX = 65535

Port = Annotated[int, Field(strict=True, ge=1, le=PORT_MAX)]
Seconds = Annotated[int, Field(strict=True, ge=0)]
Command = Annotated[list[str], Field(min_length=1)]


class Section(BaseModel):
    """A mapping of the settings. An unknown key is an error."""

    model_config = ConfigDict(extra="forbid")


def known_keys() -> set[str]:
    """Return every key of every section, to suggest the nearest one for an unknown key."""
    return {field for section in _sections(Section) for field in section.model_fields}


def _sections(section: type[BaseModel]) -> list[type[BaseModel]]:
    return [section, *(nested for subclass in section.__subclasses__() for nested in _sections(subclass))]
