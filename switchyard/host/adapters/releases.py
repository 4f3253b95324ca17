"""The releases on a host: each folder with its release.json, its documents and its secrets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from functools import lru_cache
from pathlib import Path

from switchyard.core.app import App, Route
from switchyard.core.compose_document import Document
from switchyard.core.errors import SwitchyardError
from switchyard.core.names import COLOURS
from switchyard.core.redact import Redactor
from switchyard.core.wire.message import Json, key_of
from switchyard.core.wire.release import MigrationHead, OneshotOutcome, ReleaseRecord
from switchyard.host.adapters import release_secrets
from switchyard.host.adapters.files import (
    DamagedFile,
    Version,
    decode,
    read_document,
    read_number,
    read_object,
    version,
    write,
    write_json,
)
from switchyard.host.adapters.layout import Layout
from switchyard.host.adapters.release_secrets import ReleaseSecrets

RECORD = "release.json"


class Releases:
    """The releases of one application on this host."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def record(self, name: str | None) -> ReleaseRecord | None:
        """Return a release's record; None where the release is gone. Raise ``DamagedFile`` where it cannot be read."""
        return _read(self._path(name)) if name else None

    def readable(self, name: str | None) -> ReleaseRecord | None:
        """Return a release's record; None where it is gone or damaged. For looks, which ``damaged`` completes."""
        try:
            return self.record(name)
        except DamagedFile:
            return None

    def require(self, name: str) -> ReleaseRecord:
        """Return a release's record. Raise where the release is gone."""
        record = self.record(name)
        if record is None:
            raise SwitchyardError(f"release {name} is gone from this host: {self._path(name)} is missing")
        return record

    def records(self) -> tuple[ReleaseRecord, ...]:
        """Return the records of all releases, the newest first, by the number that this host counts up.

        Raise ``DamagedFile`` where one cannot be read: for decisions to which each of them matters.
        """
        return _sorted(map(_read, self._paths()))

    def readable_records(self) -> tuple[ReleaseRecord, ...]:
        """Return the records that can be read, the newest first. ``damaged`` names the others."""
        return _sorted(map(self.readable, self.names()))

    def damaged(self) -> dict[str, str]:
        """Return what is wrong with each record that cannot be read, by the release's id."""
        return {name: problem for name in self.names() for problem in self.problems(name, documents=False)}

    def problems(self, name: str | None, *, documents: bool = True) -> list[str]:
        """Return what is wrong with the record of a release, and with the documents that its colours run by."""
        problems = []
        for read in (self.record, *((self._documents,) if documents else ())):
            try:
                read(name)
            except DamagedFile as error:
                problems.append(str(error))
        return problems

    def _documents(self, name: str | None) -> None:
        for colour in COLOURS if name else ():
            self.document(str(name), colour)

    def names(self) -> list[str]:
        """Return the ids of all releases that have a record, damaged ones included."""
        return [path.parent.name for path in self._paths()]

    def settings(self, name: str, app: str) -> App:
        """Return the settings that a release shipped with; the defaults of ``app`` without its record."""
        record = self.readable(name)
        return record.app if record else App(app)

    def routes(self, name: str, default: Sequence[Route] = ()) -> Sequence[Route]:
        """Return the routes of a release; ``default`` without its record."""
        record = self.readable(name)
        return record.routes if record else default

    def number(self, name: str) -> int:
        """Return the number of a release; 0 where its record is gone or damaged."""
        record = self.readable(name)
        return record.number if record else 0

    def write(self, record: ReleaseRecord) -> None:
        """Write a release's record."""
        write_json(self._path(record.id), record.encode())

    def update(
        self,
        name: str,
        *,
        state: str | None = None,
        reason: str | None = None,
        since: float | None = None,
        colour: str | None = None,
        images: Mapping[str, str] | None = None,
        standins: tuple[str, ...] | None = None,
        outcomes: Mapping[str, OneshotOutcome] | None = None,
        head: MigrationHead | None = None,
    ) -> ReleaseRecord | None:
        """Change fields of a release's record; None leaves a field. A release that somebody deleted stays away.

        Fields that a newer minor version wrote stay as they are.
        """
        path = self._path(name)
        before = read_object(path)
        if not before:
            return None
        record = decode(path, ReleaseRecord, before)
        record = replace(
            record,
            state=state or record.state,
            reason=record.reason if reason is None else reason,
            since=record.since if since is None else since,
            colour=colour or record.colour,
            images=record.images if images is None else images,
            standins=record.standins if standins is None else standins,
            outcomes=record.outcomes if outcomes is None else outcomes,
            head=record.head if head is None else head,
        )
        known = {key_of(field) for field in fields(record)}
        newer: dict[str, Json] = {key: item for key, item in before.items() if key not in known}
        write_json(path, {**record.encode(), **newer})
        return record

    def next_number(self) -> int:
        """Return a number above that of every release so far, and remember it."""
        path = self._layout.root / "number"
        last = read_number(path) or 0
        number = 1 + max(last, *(record.number for record in self.readable_records()), 0)
        write(path, f"{number}\n")
        return number

    def document(self, name: str, part: str) -> Document:
        """Return a document of a release: ``blue``, ``green``, ``shared``, ``build`` or ``compose``."""
        return read_document(self._layout.release(name) / f"{part}.json")

    def secrets(self, name: str) -> ReleaseSecrets:
        """Return what is secret of a release."""
        return release_secrets.read(self._layout.release(name))

    def redactor(self, names: Iterable[str], more: Sequence[str] = (), *, strict: bool = True) -> Redactor:
        """Return what removes the secrets of these releases, and more, from a text.

        Raise ``DamagedFile`` where somebody damaged what tells them; unless ``strict``, leave that release out.
        """
        secrets = {}
        for name in names:
            try:
                secrets[name] = self.secrets(name)
            except DamagedFile:
                if strict:
                    raise
        ids = " ".join((*secrets, *(record.commit for record in map(self.readable, secrets) if record)))
        values = {*more, *(value for one in secrets.values() for value in one.values)}
        public = {name for one in secrets.values() for name in one.names}
        return Redactor((value for value in values if value not in ids), public)

    def withheld(self, name: str, service: str) -> str:
        """Return why a service's output must not be shown; empty where it may be."""
        try:
            reason = self.secrets(name).withheld.get(service)
        except DamagedFile as error:
            reason = str(error)
        return f"the output of {service} is withheld: {reason}" if reason else ""

    def _paths(self) -> list[Path]:
        return sorted(self._layout.releases_folder.glob(f"*/{RECORD}"))

    def _path(self, name: str) -> Path:
        return self._layout.release(name) / RECORD


def _sorted(records: Iterable[ReleaseRecord | None]) -> tuple[ReleaseRecord, ...]:
    return tuple(sorted(filter(None, records), key=lambda record: -record.number))


def _read(path: Path) -> ReleaseRecord | None:
    return _read_version(path, version(path))


@lru_cache(maxsize=64)
def _read_version(path: Path, version: Version | None) -> ReleaseRecord | None:
    """Read a record once: a look at the machine needs it several times."""
    value = read_object(path)
    return decode(path, ReleaseRecord, value) if value else None
