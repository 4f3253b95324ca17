"""The ledger of an application: the volumes that it uses and Switchyard did not create, each as it was first used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from pathlib import Path
from typing import ClassVar

from switchyard.core.wire.message import Message, message
from switchyard.host.adapters import engine
from switchyard.host.adapters.files import read_message, write_json


@message(frozen=True)
class Adopted(Message):
    """What ``adopted.json`` holds."""

    VERSION: ClassVar[int | None] = 1

    volumes: Mapping[str, str] = field(default_factory=dict)
    """Each volume with the time when it was created, as the engine tells it."""


class Ledger:
    """The ledger of one application on this host."""

    def __init__(self, root: Path) -> None:
        self._path = root / "adopted.json"

    def reasons(self, app: str, volumes: Iterable[str]) -> list[str]:
        """Return why an application must not use volumes that exist: another's, or not the one that it adopted."""
        adopted, reasons = self._read().volumes, []
        for name, origin in _existing(volumes).items():
            if origin.app and origin.app != app:
                reasons.append(
                    f"volume {name} belongs to the application {origin.app}. Give this one a volume of its own: "
                    f"another name under volumes in the compose file"
                )
            elif not origin.app and adopted.get(name, origin.created) != origin.created:
                reasons.append(
                    f"volume {name} was created at {origin.created}, and this application uses the one of "
                    f"{adopted[name]}: somebody replaced it. Restore that one, or, if this was meant, remove "
                    f'"{name}" from {self._path}'
                )
        return reasons

    def adopt(self, volumes: Iterable[str]) -> None:
        """Record the existing volumes that nobody labelled, each as it is when it is first used."""
        before = self._read()
        times = {name: each.created for name, each in _existing(volumes).items() if not each.app}
        if times.keys() - before.volumes.keys():
            write_json(self._path, Adopted({**times, **before.volumes}).encode())

    def _read(self) -> Adopted:
        return read_message(self._path, Adopted) or Adopted()


def _existing(volumes: Iterable[str]) -> dict[str, engine.Origin]:
    origins = {name: engine.volume_origin(name) for name in volumes}
    return {name: origin for name, origin in origins.items() if origin is not None}
