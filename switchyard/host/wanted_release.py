"""The release that an attempt is about: the one that it brings up, or goes back to."""

from __future__ import annotations

import os
from collections.abc import Sequence

from switchyard.core.app import App, Route
from switchyard.core.commands import Target
from switchyard.core.outside_text import shortened
from switchyard.core.redact import Redactor
from switchyard.core.wire.release import ReleaseRecord
from switchyard.host.adapters.files import DamagedFile
from switchyard.host.adapters.store import Store


class WantedRelease:
    """The wanted release by its id, empty until the attempt knows it, with what stands on the host of it."""

    def __init__(self, store: Store, app_name: str) -> None:
        self._store = store
        self._app_name = app_name
        self._made: tuple[Sequence[object], Redactor] | None = None
        """What removes secrets, and the releases that it is made for."""
        self._expected: tuple[str, ...] = ()
        self.id = ""
        self.before: str | None = None
        """The release that was live when the attempt began."""

    @property
    def record(self) -> ReleaseRecord:
        """The record of the release. Raise where there is none."""
        return self._store.releases.require(self.id)

    @property
    def app(self) -> App:
        """The application's settings in this release."""
        return self.record.app

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of this release."""
        return self.record.routes

    def target(self, release: str | None = None) -> Target:
        """Return this release, or another, in the form that commands name it."""
        record = self._store.releases.readable(release or self.id)
        return Target(
            app=self._app_name,
            root=str(self._store.root),
            release=release or self.id,
            shared=record.shared if record else (),
            scales=self._store.scales(),
        )

    def log(self, text: str) -> None:
        """Append to the log of the release's commands, without secrets."""
        path = self._store.release(self.id) / "log"
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w") as file:
            file.write(self.redact(text))

    def redact(self, text: str) -> str:
        """Return the text without control characters and without secrets: of this release and of the one before.

        Where nobody can tell what they are, return why instead.
        """
        try:
            return self._redactor()(text)
        except DamagedFile as error:
            return text if str(error) == text else f"(withheld: {error})"

    def told(self, text: str) -> str:
        """Return the text as an event, a record, or the journal may hold it: without secrets, and then cut."""
        return shortened(self.redact(text))

    def withheld(self, service: str, release: str | None = None) -> str:
        """Return why the output of a service of this release, or of another, must not be shown; empty where it may."""
        name = release or self.id
        return self._store.releases.withheld(name, service) if name else ""

    def expect(self, values: Sequence[str]) -> None:
        """Remove these secrets too: those of a release that is being received."""
        self._expected = tuple(values)

    def _redactor(self) -> Redactor:
        key = (self.id, self.before, self._expected)
        if self._made is None or self._made[0] != key:
            names = dict.fromkeys(name for name in (self.id, self.before) if name)
            self._made = key, self._store.releases.redactor(names, self._expected)
        return self._made[1]
