"""One run of a verb on this host: what it was asked, what it has learnt, what it tells."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from switchyard.core import commands, redact
from switchyard.core.app import App, Route
from switchyard.core.errors import INTERRUPTED, SwitchyardError
from switchyard.core.journal import Author
from switchyard.core.lease import BEAT_WITHIN, RENEW_EVERY
from switchyard.core.site import Site
from switchyard.core.wire.release import ReleaseRecord
from switchyard.host import observe
from switchyard.host.adapters import process
from switchyard.host.adapters.files import append, read_json
from switchyard.host.adapters.kernel import now
from switchyard.host.adapters.lease import Superseded
from switchyard.host.adapters.proxy import Proxy
from switchyard.host.adapters.store import Store
from switchyard.host.memory import Memory

GUARD_EVERY = 1.0
POLL = 0.005
"""Seconds between two looks at what the other side of the channel has written."""
"""Seconds after which a waiting program looks again whether the lease is still its own."""
FREE = ("text", "reason", "commands")
"""The fields of an event that hold what others wrote; the rest are names that are compared, and stay whole."""
LED = ("deploy", "shared.apply", "edge.apply")
"""The verbs of several phases, each begun by the operator's side."""


class Cancelled(SwitchyardError):
    """The operator's side went away, or asked to stop, before the switch."""

    exit = INTERRUPTED


class Attempt:
    """The state of one attempt. Facts about the machine are never kept here, only what cannot be observed."""

    def __init__(self, store: Store, folder: Path, request: Mapping[str, Any]) -> None:
        self.store = store
        self.folder = folder
        self.request = request
        self.name = folder.name
        self.verb: str = request["verb"]
        self.led = self.verb in LED
        """Whether it waits for the operator's side, and is cancelled before its switch when nobody beats."""
        self.proxy = Proxy(store)
        self.number = 0
        self.switched = False
        self.ending = False
        """Whether it cleans up after itself, which nobody's word or silence cuts short."""
        self.release = ""
        self.before: str | None = None
        self.memory = Memory()
        self.carried: list[str] = []
        """The commands of the step at hand, as the plan shows them."""
        self._spelled: dict[str, list[str]] = {}
        """Each release's secrets, as a text may hold them."""
        self._said: list[dict[str, Any]] = []
        self._offset = 0
        self._beat = now()
        self._renewed = now()
        self._guarded = now()

    @property
    def record(self) -> ReleaseRecord:
        """The record of the wanted release. Raise where there is none."""
        return self.store.releases.require(self.release)

    @property
    def app(self) -> App:
        """The wanted release's settings."""
        return self.record.app

    @property
    def routes(self) -> tuple[Route, ...]:
        """The wanted release's routes."""
        return self.record.routes

    def site(self) -> Site:
        """Return this machine as it is now, from the view of the wanted release."""
        return observe.site(self.store, self.request["app"], self.release, self.memory)

    def log(self, text: str) -> None:
        """Adds to what the release's commands printed; without any secret."""
        path = self.store.release(self.release) / "log"
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w") as file:
            file.write(self.redact(text))

    def target(self, release: str | None = None) -> commands.Target:
        """The wanted release, or another, as commands name it."""
        record = self.store.releases.record(release or self.release)
        return commands.Target(
            app=self.request["app"],
            root=str(self.store.root),
            release=release or self.release,
            shared=record.shared if record else (),
            scales=self.store.scales(),
        )

    def run(self, argv: Sequence[str], *, shown: Sequence[str] | None = None, **how: Any) -> tuple[int, str]:
        """A command that changes the host, logged with the release and told with the step."""
        self.carried.append(commands.shown(shown or argv, self.release))
        return process.run(argv, log=self.log, **{"tick": self.tick, **how})

    def redact(self, text: str) -> str:
        """The text without any value of the wanted release's env, nor of its file secrets."""
        return redact.redact(text, self._secrets())

    def _secrets(self) -> list[str]:
        if self.release and self.release not in self._spelled:
            record = self.store.releases.record(self.release)
            public = f"{self.release} {record and record.commit}"
            found = redact.spellings(self.store.releases.secrets(self.release))
            self._spelled[self.release] = [part for part in found if part not in public]
        return self._spelled.get(self.release, [])

    @property
    def author(self) -> Author:
        """The fields that every journal entry of this attempt shares."""
        return {"attempt": self.name, "release": self.release or None, "host": self.request.get("host")}

    def emit(self, event: str, **fields: Any) -> None:
        """One line of the attempt's file, which the operator's side follows."""
        fields.update({key: redact.redact_all(fields[key], self._secrets()) for key in FREE if key in fields})
        line = json.dumps({"v": 1, "event": event, "at": round(time.time(), 3), **fields})
        self.store.reserve.spending(lambda: append(self.folder / "events.jsonl", line + "\n"))

    def hear(self) -> None:
        """Reads what the operator's side said since the last look."""
        path = self.folder / "said.jsonl"
        try:
            with open(path, "rb") as file:
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            return
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        for line in filter(None, whole.splitlines()):
            said = json.loads(line)
            self._beat = now()
            if said["say"] == "cancel" and not self.switched:
                raise Cancelled(said.get("why") or "cancelled by the operator before the switch")
            if said["say"] != "beat":
                self._said.append(said)

    def tick(self) -> None:
        """Called often: hears, keeps the lease, and gives up before the switch when nobody beats."""
        if not self.ending:
            self.hear()
        silent = now() - self._beat
        waits = self.led and not self.switched and not self.ending
        if waits and silent > BEAT_WITHIN:
            raise Cancelled(f"no word from the operator's side for {silent:.0f} s, before the switch")
        if self.number and now() - self._guarded > GUARD_EVERY:
            self.store.lease.guard(self.number)
            self._guarded = now()
        if self.number and now() - self._renewed > RENEW_EVERY and (silent < RENEW_EVERY or not waits):
            self.renew()

    def linger(self) -> None:
        """A tick that ends nothing, for what the engine goes on with whoever has asked for it."""
        if self.number and now() - self._renewed > RENEW_EVERY:
            with contextlib.suppress(Superseded):
                self.renew()

    def renew(self) -> None:
        """The lease lasts again from now; raises ``Superseded`` when it is another's."""
        self.store.lease.renew(self.number, switched=self.switched)
        self._renewed = now()

    def await_said(self, *names: str, within: float | None = None) -> dict[str, Any] | None:
        """The next word of these from the operator's side; None when none came in time."""
        deadline = None if within is None else time.monotonic() + within
        while True:
            self.tick()
            for said in self._said:
                if said["say"] in names:
                    self._said.remove(said)
                    return said
            if deadline is not None and time.monotonic() > deadline:
                return None
            time.sleep(POLL)

    def json(self, release: str, name: str) -> Any:
        """A JSON file of a release."""
        return read_json(self.store.release(release) / name)
