"""What every part of the settings is made of: unknown keys and wrong types are errors."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

MOST_PORT = 65535

Port = Annotated[int, Field(strict=True, ge=1, le=MOST_PORT)]
Seconds = Annotated[int, Field(strict=True, ge=0)]
Command = Annotated[list[str], Field(min_length=1)]


class Strict(BaseModel):
    """A mapping of the settings whose keys are all known."""

    model_config = ConfigDict(extra="forbid")


def known_keys() -> set[str]:
    """Every key that any mapping of the settings has, to find the nearest one to a mistaken one."""
    return {field for model in _models(Strict) for field in model.model_fields}


def _models(model: type[BaseModel]) -> list[type[BaseModel]]:
    return [model, *(each for below in model.__subclasses__() for each in _models(below))]
