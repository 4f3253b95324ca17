"""The release that an attempt is about: the one that it brings up, or goes back to."""

from __future__ import annotations

import os

from switchyard.core import redact
from switchyard.core.app import App, Route
from switchyard.core.commands import Target
from switchyard.core.wire.release import ReleaseRecord
from switchyard.host.adapters.files import DamagedFile
from switchyard.host.adapters.store import Store


class WantedRelease:
    """The wanted release by its id, empty until the attempt knows it, with what stands on the host of it."""

    def __init__(self, store: Store, app_name: str) -> None:
        self._store = store
        self._app_name = app_name
        self._spellings: dict[str, list[str]] = {}
        """Each release's secrets, as a text may hold them."""
        self.id = ""

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
        """Return the text without the values of the release's env and without its file secrets.

        Where nobody can tell what they are, return why instead.
        """
        try:
            return redact.redact(text, self._secrets())
        except DamagedFile as error:
            return text if str(error) == text else f"(withheld: {error})"

    def _secrets(self) -> list[str]:
        if self.id and self.id not in self._spellings:
            record = self._store.releases.readable(self.id)
            public = f"{self.id} {record and record.commit}"
            spellings = redact.spellings(self._store.releases.secrets(self.id))
            self._spellings[self.id] = [part for part in spellings if part not in public]
        return self._spellings.get(self.id, [])
