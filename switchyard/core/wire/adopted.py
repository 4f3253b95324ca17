"""adopted.json: the objects that an application uses and Switchyard did not create."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import ClassVar, Literal, TypeAlias

from switchyard.core.errors import BadInput
from switchyard.core.wire.message import Message, key, message
from switchyard.core.wire.terms import ImageId

Kind: TypeAlias = Literal["volume", "image"]


@message(frozen=True)
class AdoptedImage(Message):
    """An image as it was when it was used last."""

    id: ImageId
    created: str
    """When it was created, as the engine tells it."""


@message(frozen=True)
class Adopted(Message):
    """The objects that an application uses and Switchyard did not create."""

    VERSION: ClassVar[int | None] = 1
    MINOR: ClassVar[int] = 1

    volumes: Mapping[str, str] = field(default_factory=dict)
    """Each volume with the time when it was created, as the engine tells it."""
    images: Mapping[str, AdoptedImage] | None = field(default=None, metadata=key(omitted=True))
    """Each pulled image by its full name; absent where an earlier version wrote the file."""


def kind_and_name(text: str) -> tuple[Kind, str]:
    """Return what ``volume:NAME`` or ``image:NAME`` names. Raise ``BadInput`` for any other text."""
    kind, _, name = text.partition(":")
    if name and kind == "volume":
        return "volume", name
    if name and kind == "image":
        return "image", name
    raise BadInput(f"--objects {text}: give volume:NAME or image:NAME")
