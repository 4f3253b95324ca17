"""The running edge, through HAProxy's runtime API, and its files."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from switchyard.core import edge, names
from switchyard.core.errors import NotChecked, SwitchyardError
from switchyard.host.adapters.files import write
from switchyard.host.adapters.store import Store

ANSWER_WITHIN = 3.0
GONE_WITHIN = 5.0
SETTLED = 3
"""Answers in a row after which a reload is over."""
UP_WITHIN = 15.0
FORCED = 0x01 | 0x08
"""Of a server's administrative state: taken out, or told to drain, by somebody."""


class _Server(NamedTuple):
    """A place for one container in a backend."""

    backend: str
    name: str
    address: str
    is_out: bool


class Proxy:
    """One application's edge. One that does not run reads the files when it starts: there they are enough."""

    def __init__(self, store: Store) -> None:
        self.maps = store.edge / "maps"
        self.run = store.edge / "run"

    def say(self, command: str) -> str:
        """One command of the runtime API, and its answer. Raises ``NotChecked`` while the proxy does not run."""
        try:
            return self._said(command)
        except OSError as error:
            raise NotChecked(f"the edge does not answer: {error}; see docker logs of its container") from None

    def _said(self, command: str) -> str:
        folder = os.open(self.run, os.O_RDONLY)
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
                link.settimeout(ANSWER_WITHIN)
                link.connect(f"/proc/self/fd/{folder}/edge.sock")
                link.sendall(command.encode() + b"\n")
                parts = []
                while part := link.recv(65536):
                    parts.append(part)
        finally:
            os.close(folder)
        return b"".join(parts).decode()

    def map(self, name: str) -> dict[str, str]:
        """A map as the running proxy has it; empty where no rule uses it, so that it was not loaded."""
        return self._rows(self.say(f"show map {edge.HOME}/maps/{name}.map"))

    def _rows(self, said: str) -> dict[str, str]:
        rows = (line.split() for line in said.splitlines() if line.startswith("0x"))
        return {row[1]: row[2] for row in rows if len(row) >= 3}

    def live(self) -> str:
        """The colour that the running proxy answers from: blue, green, none, or down."""
        try:
            return self.map("live").get("live", "down")
        except NotChecked:
            return "down"

    def file_live(self) -> str:
        """The colour that the map file names."""
        try:
            text = (self.maps / "live.map").read_text().split()
        except FileNotFoundError:
            return "none"
        return text[1] if len(text) == 2 and text[1] in names.COLOURS else "none"

    def target(self) -> str:
        """Return the colour that traffic goes to: what the running proxy answers; if it is down, the map file."""
        colour = self.live()
        return self.file_live() if colour == "down" else colour

    def backends(self) -> set[str]:
        """The backends that the running configuration has."""
        try:
            return set(self.say("show backend").split())
        except NotChecked:
            return set()

    def servers_up(self, backend: str) -> int:
        """How many servers of a backend the proxy itself sees up; none while it does not run."""
        try:
            said = self.say("show stat")
        except NotChecked:
            return 0
        rows = (line.split(",") for line in said.splitlines() if line and not line.startswith("#"))
        return sum(
            1
            for row in rows
            if row[0] == backend and row[1] not in ("BACKEND", "FRONTEND") and row[17].startswith("UP")
        )

    def connections(self, colour: str) -> int:
        """Connections that the edge holds open to a colour now."""
        try:
            rows = (line.split(",") for line in self.say("show stat").splitlines())
            return sum(
                int(row[4]) for row in rows if len(row) > 4 and row[1] == "BACKEND" and row[0].endswith(f"_{colour}")
            )
        except (NotChecked, ValueError):
            return 0

    def rest(self, address: str, *, within: float) -> None:
        """Takes the server at an address out, and waits for what it still answers, for so many seconds."""
        servers = [server for server in self._servers() if server.address == address]
        self._take_out(servers)
        deadline = time.monotonic() + within
        while time.monotonic() < deadline and any(self._busy(server) for server in servers):
            time.sleep(0.1)

    def close(self, colour: str) -> None:
        """Takes out whatever will stand at a colour's free places, until ``resume``.

        The engine names a container before it listens, and HAProxy uses a new address before it has checked it.
        """
        of_colour = [server for server in self._servers() if server.backend.endswith(f"_{colour}")]
        self._take_out(server for server in of_colour if server.address == "-")

    def _take_out(self, servers: Iterable[_Server]) -> None:
        # To drain, not for maintenance, where nothing is checked and what ends it is used at once.
        for server in servers:
            self.say(f"set server {server.backend}/{server.name} state drain")

    def forget(self, address: str) -> None:
        """Waits until no place holds the address of a container that is gone."""
        deadline = time.monotonic() + GONE_WITHIN
        while time.monotonic() < deadline and any(server.address == address for server in self._servers()):
            time.sleep(0.05)

    def _busy(self, server: _Server) -> int:
        rows = (line.split(",") for line in self.say("show stat").splitlines())
        wanted = [server.backend, server.name]
        return sum(int(row[4] or 0) for row in rows if len(row) > 4 and row[:2] == wanted)

    def resume(self, colour: str) -> None:
        """Whatever was taken out of a colour is used again once its check passes.

        Being out belongs to a place in a backend: it outlives a container that stood there, a reload, and the program
        that asked for it. An edge that does not run remembers nothing of it.
        """
        with contextlib.suppress(NotChecked):
            for server in self._servers():
                if server.is_out and server.backend.endswith(f"_{colour}"):
                    self.say(f"set server {server.backend}/{server.name} state ready")

    def _servers(self) -> list[_Server]:
        rows = [line.split() for line in self.say("show servers state").splitlines() if line[:1].isdigit()]
        return [_Server(row[1], row[3], row[4], bool(int(row[6]) & FORCED)) for row in rows if len(row) > 6]

    def switch(self, colour: str) -> None:
        """The map file by rename, then the running map, then read back."""
        write(self.maps / "live.map", edge.live_map(colour), 0o644)
        with contextlib.suppress(NotChecked):
            self._change(f"set map {edge.HOME}/maps/live.map live {colour}")
        answered = self.live()
        if answered not in (colour, "down"):
            raise SwitchyardError(f"the edge answers {answered} after it was set to {colour}")

    def fill(self, name: str, text: str) -> None:
        """A whole map: the file by rename, then the running one row by row."""
        write(self.maps / f"{name}.map", text, 0o644)
        with contextlib.suppress(NotChecked):
            self._fill(name, text)

    def _fill(self, name: str, text: str) -> None:
        path = f"{edge.HOME}/maps/{name}.map"
        wanted: Mapping[str, str] = dict(line.split() for line in text.splitlines())
        said = self.say(f"show map {path}")
        if said.startswith("Unknown map"):  # no rule of these routes uses it
            return
        present = self._rows(said)
        for key in present.keys() - wanted.keys():
            self._change(f"del map {path} {key}")
        for key, value in wanted.items():
            if key not in present:
                self._change(f"add map {path} {key} {value}")
            elif present[key] != value:
                self._change(f"set map {path} {key} {value}")

    def _change(self, command: str) -> None:
        """A change of a running map; the proxy says nothing when it is done. Raises with what it says else."""
        said = self.say(command).strip()
        if said:
            raise SwitchyardError(f"the edge refused {command!r}: {said}")

    def process(self) -> str:
        """The process that answers now; a reload makes another."""
        try:
            said = self.say("show info")
        except NotChecked:
            return ""
        return next((line.split()[1] for line in said.splitlines() if line.startswith("Pid:")), "")

    def wait(self, backends: set[str], *, after: str = "") -> None:
        """Until the running configuration has these backends, and the process ``after`` answers no more.

        While a reload is under way either process may take a command, and what the old one is told is lost.
        """
        deadline, seen = time.monotonic() + UP_WITHIN, 0
        while seen < SETTLED:
            seen = seen + 1 if self.process() not in ("", after) and backends <= self.backends() else 0
            if time.monotonic() > deadline:
                raise SwitchyardError(
                    f"the edge did not come up within {UP_WITHIN:.0f} s; see docker logs of its container"
                )
            time.sleep(0.05)
