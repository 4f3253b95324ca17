"""One run of a verb on this host: what it was asked, what it has learnt, what it tells."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from switchyard.core import commands
from switchyard.core.app import App, Route
from switchyard.core.errors import INTERRUPTED, SwitchyardError
from switchyard.core.lease import BEAT_WITHIN, RENEW_EVERY
from switchyard.host import engine
from switchyard.host.proxy import Proxy
from switchyard.host.store import Store, now, read_json

SECRET = 6
"""The shortest env value that is taken out of what is shown; a shorter one would blank out ordinary words."""


GUARD_EVERY = 1.0
"""Seconds after which a waiting program looks again whether the lease is still its own."""
LED = ("deploy", "shared.apply", "edge.apply")
"""The verbs of several phases, each begun by the operator's side."""


class Cancelled(SwitchyardError):
    """The operator's side went away, or asked to stop, before the switch."""

    exit = INTERRUPTED


def _without(text: str, value: str) -> str:
    """The text without a value: a plain word only where it stands alone, anything like a secret everywhere."""
    if value.isalpha() and value.islower() and len(value) < 2 * SECRET:
        return re.sub(rf"(?<!\w){value}(?!\w)", "•••", text)
    return text.replace(value, "•••")


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
        self.release = ""
        self.before: str | None = None
        self.proven: dict[str, frozenset[tuple[str, str]]] = {}
        self.failed: dict[str, str] = {}
        """``front blue`` or ``single green`` to the reason."""
        self.started: set[str] = set()
        """What this attempt started and has not stopped: what has exited since has crashed."""
        self.smoke = "unknown"
        self.verdict = "unknown"
        self.reason = ""
        self.weak: set[str] = set()
        self.carried: list[str] = []
        """The commands of the step at hand, as the plan shows them."""
        self._said: list[dict[str, Any]] = []
        self._offset = 0
        self._beat = now()
        self._renewed = now()
        self._guarded = now()

    @property
    def record(self) -> dict[str, Any]:
        """The wanted release's release.json."""
        return self.store.record(self.release) or {}

    @property
    def app(self) -> App:
        """The wanted release's settings."""
        return App.from_json(self.record["app"])

    @property
    def routes(self) -> tuple[Route, ...]:
        """The wanted release's routes."""
        return tuple(Route(**route) for route in self.record["routes"])

    @property
    def log(self) -> str:
        """The file with what the release's commands printed."""
        return str(self.store.release(self.release) / "log")

    def target(self, release: str | None = None) -> commands.Target:
        """The wanted release, or another, as commands name it."""
        record = self.record if release is None else self.store.record(release) or {}
        return commands.Target(
            app=self.request["app"],
            root=str(self.store.root),
            release=release or self.release,
            shared=tuple(record.get("shared", ())),
            scales=self.store.scales(),
        )

    def run(self, argv: Sequence[str], *, shown: Sequence[str] | None = None, **how: Any) -> tuple[int, str]:
        """A command that changes the host, logged with the release and told with the step."""
        self.carried.append(commands.shown(shown or argv, self.release))
        return engine.run(argv, log=self.log, tick=self.tick, **how)

    def redact(self, text: str) -> str:
        """The text without any value of the wanted release's env."""
        for value in self._secrets():
            text = _without(text, value)
        return text

    def _redacted(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._redacted(item) for item in value]
        return self.redact(value) if isinstance(value, str) else value

    def _secrets(self) -> list[str]:
        values = (self.json(self.release, "values.json") if self.release else None) or []
        return sorted({value for value in values if len(value) >= SECRET}, key=len, reverse=True)

    def emit(self, event: str, **fields: Any) -> None:
        """One line of the attempt's file, which the operator's side follows."""
        fields = {key: self._redacted(value) for key, value in fields.items()}
        line = json.dumps({"v": 1, "event": event, "at": round(time.time(), 3), **fields})
        with open(os.open(self.folder / "events.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w") as file:
            file.write(line + "\n")

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
                raise Cancelled("cancelled by the operator before the switch")
            if said["say"] != "beat":
                self._said.append(said)

    def tick(self) -> None:
        """Called often: hears, keeps the lease, and gives up before the switch when nobody beats."""
        self.hear()
        silent = now() - self._beat
        if not self.switched and self.led and silent > BEAT_WITHIN:
            raise Cancelled(f"no word from the operator's side for {silent:.0f} s, before the switch")
        if self.number and now() - self._guarded > GUARD_EVERY:
            self.store.guard(self.number)
            self._guarded = now()
        if (
            self.number
            and now() - self._renewed > RENEW_EVERY
            and (self.switched or silent < RENEW_EVERY or not self.led)
        ):
            self.renew()

    def renew(self) -> None:
        """The lease lasts again from now; raises ``Superseded`` when it is another's."""
        self.store.renew(self.number, switched=self.switched)
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
            time.sleep(0.02)

    def json(self, release: str, name: str) -> Any:
        """A JSON file of a release."""
        return read_json(self.store.release(release) / name)
