"""The running edge, through HAProxy's runtime API, and its files."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping

from switchyard.core import edge, names
from switchyard.core.errors import SwitchyardError
from switchyard.host.store import Store, write

ANSWER_WITHIN = 3.0
UP_WITHIN = 15.0


class Proxy:
    """One application's edge. Raises ``OSError`` while it does not run."""

    def __init__(self, store: Store) -> None:
        self.maps = store.edge / "maps"
        self.run = store.edge / "run"

    def say(self, command: str) -> str:
        """One command of the runtime API, and its answer."""
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
        except OSError:
            return "down"

    def file_live(self) -> str:
        """The colour that the map file names."""
        try:
            text = (self.maps / "live.map").read_text().split()
        except FileNotFoundError:
            return "none"
        return text[1] if len(text) == 2 and text[1] in names.COLOURS else "none"

    def backends(self) -> set[str]:
        """The backends that the running configuration has."""
        try:
            return set(self.say("show backend").split())
        except OSError:
            return set()

    def servers_up(self, backend: str) -> int:
        """How many servers of a backend the proxy itself sees up."""
        rows = (line.split(",") for line in self.say("show stat").splitlines() if line and not line.startswith("#"))
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
        except (OSError, ValueError):
            return 0

    def rest(self, address: str, *, within: float) -> None:
        """Sends nothing new to the server at an address, and waits for what it still answers, for so many seconds."""
        rows = [line.split() for line in self.say("show servers state").splitlines() if line[:1].isdigit()]
        servers = [(row[1], row[3]) for row in rows if len(row) > 4 and row[4] == address]
        for backend, server in servers:
            self.say(f"set server {backend}/{server} state drain")
        deadline = time.monotonic() + within
        while time.monotonic() < deadline and any(self._busy(*server) for server in servers):
            time.sleep(0.1)

    def _busy(self, backend: str, server: str) -> int:
        rows = (line.split(",") for line in self.say("show stat").splitlines())
        return sum(int(row[4] or 0) for row in rows if len(row) > 4 and (row[0], row[1]) == (backend, server))

    def resume(self, address: str) -> None:
        """The server at an address takes requests again."""
        for line in self.say("show servers state").splitlines():
            row = line.split()
            if line[:1].isdigit() and len(row) > 4 and row[4] == address:
                self.say(f"set server {row[1]}/{row[3]} state ready")

    def switch(self, colour: str) -> None:
        """The map file by rename, then the running map, then read back."""
        write(self.maps / "live.map", edge.live_map(colour), 0o644)
        if self.live() == "down":
            return
        self._change(f"set map {edge.HOME}/maps/live.map live {colour}")
        answered = self.live()
        if answered != colour:
            raise SwitchyardError(f"the edge answers {answered} after it was set to {colour}")

    def fill(self, name: str, text: str) -> None:
        """A whole map: the file by rename, then the running one row by row."""
        write(self.maps / f"{name}.map", text, 0o644)
        if self.live() == "down":
            return
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

    def wait(self, backends: set[str]) -> None:
        """Until the running configuration has these backends."""
        deadline = time.monotonic() + UP_WITHIN
        while not backends <= self.backends():
            if time.monotonic() > deadline:
                raise SwitchyardError(
                    f"the edge did not come up within {UP_WITHIN:.0f} s; see docker logs of its container"
                )
            time.sleep(0.05)
