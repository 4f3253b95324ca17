"""The running edge, through HAProxy's runtime API and the files that it reads at its start."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import time
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from switchyard.core import edge, edge_hold, names, traffic
from switchyard.core.errors import NotChecked, SwitchyardError
from switchyard.core.haproxy import word
from switchyard.host.adapters.files import read_text, write
from switchyard.host.adapters.layout import Layout

ANSWER_WITHIN = 3.0
GONE_WITHIN = 5.0
"""Seconds in which the edge forgets the address of a container that is gone."""
SETTLED = 3
"""Answers in a row after which a reload is over."""
UP_WITHIN = 15.0
"""Seconds in which the edge comes up, or ends a reload."""
FORCED = 0x01 | 0x08
"""The bits of a server's administrative state that say that somebody took it out, or told it to drain."""
PARTS_MOST = 1024
"""Parts of an answer that are read: 64 MiB."""
DIGITS_MOST = 20
ERESP, SRV_ABRT = 14, 50
"""The columns of ``show stat`` that count answers that did not come, and transfers that the server ended."""
LIVE = "live"
"""The map that names the live colour, and its only key."""


_SESSION = re.compile(r"0x\S+: .*? be=(\S+) .*? age=(\d{1,9})s ")
"""A line of ``show sess`` about a request that is less than a minute old."""


class Waited(NamedTuple):
    """Requests that the edge holds, or held."""

    waiting: int
    longest: int
    """Milliseconds that the longest of the last hold waited."""
    refused: int
    """How many of them waited for as long as they may, and were refused."""


class _Server(NamedTuple):
    """A place for one container in a backend."""

    backend: str
    name: str
    address: str
    """The container's address; ``-`` for a free place."""
    is_out: bool


class _Statistics(NamedTuple):
    """A row of ``show stat``."""

    backend: str
    server: str
    """``BACKEND`` and ``FRONTEND`` for the sums."""
    connections: int
    aborted: int
    """Exchanges that the server ended before their end, since HAProxy started."""
    status: str

    @property
    def is_server_up(self) -> bool:
        return self.server not in ("BACKEND", "FRONTEND") and self.status.startswith("UP")


class Proxy:
    """The edge of one application. An edge that does not run reads the files at its start, so there they suffice."""

    def __init__(self, layout: Layout) -> None:
        self.maps = layout.edge / "maps"
        self.run = layout.edge / "run"

    def say(self, command: str) -> str:
        """Send a command of the runtime API and return its answer. Raise ``NotChecked`` while the edge does not run."""
        try:
            return self._exchange(command)
        except OSError as error:
            raise NotChecked(f"the edge does not answer: {error}; see docker logs of its container") from None

    def _exchange(self, command: str) -> str:
        folder = os.open(self.run, os.O_RDONLY)
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(ANSWER_WITHIN)
                connection.connect(f"/proc/self/fd/{folder}/edge.sock")  # its own path may be too long for a socket
                connection.sendall(command.encode() + b"\n")
                parts: list[bytes] = []
                while (part := connection.recv(65536)) and len(parts) < PARTS_MOST:
                    parts.append(part)
        finally:
            os.close(folder)
        return b"".join(parts).decode(errors="replace")

    def map(self, name: str) -> dict[str, str]:
        """Return a map as the running edge has it; an empty one where no rule uses it, so that it was not loaded."""
        return _rows(self.say(f"show map {_path(name)}"))

    def live(self) -> str:
        """Return the colour that the running edge answers from: blue, green, none, or down where it does not run."""
        try:
            return self.map(LIVE).get(LIVE, "down")
        except NotChecked:
            return "down"

    def file_live(self) -> str:
        """Return the colour that the map file names; none where it names no colour."""
        words = (read_text(self.maps / f"{LIVE}.map") or "").split()
        return words[1] if len(words) == 2 and words[1] in names.COLOURS else "none"

    def target(self) -> str:
        """Return the colour that traffic goes to: what the running edge answers; if it is down, the map file."""
        colour = self.live()
        return self.file_live() if colour == "down" else colour

    def backends(self) -> set[str]:
        """Return the backends of the running configuration; none while the edge does not run."""
        try:
            return set(self.say("show backend").split())
        except NotChecked:
            return set()

    def servers_up(self, backend: str) -> int:
        """Count the servers of a backend that the edge itself sees up; 0 while it does not run."""
        try:
            return sum(row.backend == backend and row.is_server_up for row in self._statistics())
        except NotChecked:
            return 0

    def connections(self, colour: str) -> int:
        """Count the connections that the edge holds open to a colour now; 0 while it does not run."""
        try:
            rows = self._statistics()
        except NotChecked:
            return 0
        return sum(row.connections for row in rows if row.server == "BACKEND" and row.backend.endswith(f"_{colour}"))

    def answers(self, backends: Collection[str], *, within: float) -> bool:
        """Return whether one of these backends still answers a request that began less than ``within`` seconds ago.

        What has been open for longer is a websocket or waits for news, and ends when somebody ends it.
        """
        try:
            sessions = [_SESSION.match(line) for line in self.say("show sess").splitlines()]
        except NotChecked:
            return False
        return any(each and each.group(1) in backends and int(each.group(2)) < within for each in sessions)

    def holds(self) -> bool:
        """Return whether requests to exclusive services are told to wait, by the map file or by the running edge."""
        if (read_text(self.maps / f"{edge_hold.MAP}.map") or "").strip():
            return True
        try:
            return bool(self.map(edge_hold.MAP))
        except NotChecked:
            return False

    def waited(self) -> Waited:
        """Return what waits, and what waited during the last hold; nothing where the edge never held any."""
        with contextlib.suppress(NotChecked):
            row = self.say(edge_hold.COUNTS).split()
            if len(row) == len(Waited._fields):
                return Waited(*(_number(row, column) for column in range(len(row))))
        return Waited(0, 0, 0)

    def aborted(self, colour: str) -> int:
        """Count the exchanges that a colour's containers ended midway; 0 while the edge does not run.

        Only the difference of two counts means something.
        """
        try:
            rows = self._statistics()
        except NotChecked:
            return 0
        return sum(row.aborted for row in rows if row.server == "BACKEND" and row.backend.endswith(f"_{colour}"))

    def counts(self) -> traffic.Reading | None:
        """Return what the edge counted; None while it does not run, does not count, or is not sure after a reload."""
        try:
            return traffic.read(self.say(traffic.COMMAND))
        except NotChecked:
            return None

    def rest(self, address: str, *, within: float) -> None:
        """Take the server at an address out, and wait that many seconds for what it still answers."""
        servers = [server for server in self._servers() if server.address == address]
        self._take_out(servers)
        deadline = time.monotonic() + within
        while time.monotonic() < deadline and any(self._is_busy(server) for server in servers):
            time.sleep(0.1)

    def close(self, colour: str) -> None:
        """Take out whatever comes to stand at a colour's free places, until ``resume``.

        The engine names a container before it listens, and HAProxy uses a new address before it has checked it.
        """
        servers = [server for server in self._servers() if server.backend.endswith(f"_{colour}")]
        self._take_out(server for server in servers if server.address == "-")

    def _take_out(self, servers: Iterable[_Server]) -> None:
        # Drain and not maintenance, in which HAProxy checks nothing and after which it uses the server at once.
        for server in servers:
            self.say(f"set server {word(server.backend)}/{word(server.name)} state drain")

    def forget(self, address: str) -> None:
        """Wait until no place holds the address of a container that is gone."""
        deadline = time.monotonic() + GONE_WITHIN
        while time.monotonic() < deadline and any(server.address == address for server in self._servers()):
            time.sleep(0.05)

    def _is_busy(self, server: _Server) -> bool:
        rows = self._statistics()
        return any((row.backend, row.server) == (server.backend, server.name) and row.connections for row in rows)

    def resume(self, colour: str) -> None:
        """Put whatever was taken out of a colour to use again, once its check passes.

        To be out is a property of a place in a backend. It outlives the container at that place, a reload, and the
        program that asked for it. An edge that does not run remembers nothing of it.
        """
        with contextlib.suppress(NotChecked):
            for server in self._servers():
                if server.is_out and server.backend.endswith(f"_{colour}"):
                    self.say(f"set server {word(server.backend)}/{word(server.name)} state ready")

    def _servers(self) -> list[_Server]:
        rows = [line.split() for line in self.say("show servers state").splitlines() if line[:1].isdigit()]
        return [_Server(row[1], row[3], row[4], bool(_number(row, 6) & FORCED)) for row in rows if len(row) > 6]

    def _statistics(self) -> list[_Statistics]:
        lines = self.say("show stat").splitlines()
        rows = [line.split(",") for line in lines if line and not line.startswith("#")]
        return [
            _Statistics(row[0], row[1], _number(row, 4), _number(row, ERESP) + _number(row, SRV_ABRT), row[17])
            for row in rows
            if len(row) > 17
        ]

    def switch(self, colour: str) -> None:
        """Move traffic: rename the map file into place, change the running map, and read it back."""
        write(self.maps / f"{LIVE}.map", edge.live_map(colour), 0o644)
        with contextlib.suppress(NotChecked):
            self._change(f"set map {_path(LIVE)} {LIVE} {word(colour)}")
        answer = self.live()
        if answer not in (colour, "down"):
            raise SwitchyardError(f"the edge answers {answer} after it was set to {colour}")

    def fill(self, name: str, text: str, mode: int = 0o644) -> None:
        """Replace a whole map: rename the file into place, and change the running one row by row."""
        write(self.maps / f"{name}.map", text, mode)
        with contextlib.suppress(NotChecked):
            self._fill(name, text)

    def _fill(self, name: str, text: str) -> None:
        path = _path(name)
        rows = dict(line.split() for line in text.splitlines())
        answer = self.say(f"show map {path}")
        if answer.startswith("Unknown map"):  # no rule of these routes uses it
            return
        running = _rows(answer)
        for key in running.keys() - rows.keys():
            self._change(f"del map {path} {word(key)}")
        for key, value in rows.items():
            if key not in running:
                self._change(f"add map {path} {word(key)} {word(value)}")
            elif running[key] != value:
                self._change(f"set map {path} {word(key)} {word(value)}")

    def _change(self, command: str) -> None:
        """Change a running map. HAProxy answers nothing where that succeeds; raise with any other answer."""
        answer = self.say(command).strip()
        if answer:
            raise SwitchyardError(f"the edge refused {command!r}: {answer}")

    def process(self) -> str:
        """Return the id of the process that answers now, which a reload replaces; empty while the edge does not run."""
        try:
            lines = self.say("show info").splitlines()
        except NotChecked:
            return ""
        return next((line.removeprefix("Pid:").strip() for line in lines if line.startswith("Pid:")), "")

    def wait(self, backends: set[str], *, after: str = "") -> None:
        """Wait until the running configuration has these backends and the process ``after`` no longer answers.

        During a reload either process may take a command, and the old one loses what it is told.
        """
        deadline, answers = time.monotonic() + UP_WITHIN, 0
        while answers < SETTLED:
            is_new = self.process() not in ("", after) and backends <= self.backends()
            answers = answers + 1 if is_new else 0
            if time.monotonic() > deadline:
                raise SwitchyardError(
                    f"the edge did not come up within {UP_WITHIN:.0f} s; see docker logs of its container"
                )
            time.sleep(0.05)


def _number(row: Sequence[str], column: int) -> int:
    """Return a number in a row of HAProxy's; 0 where it is none."""
    text = row[column] if column < len(row) else ""
    return int(text) if text.isdecimal() and len(text) <= DIGITS_MOST else 0


def _path(name: str) -> str:
    """Return the path of a map inside the edge's container."""
    return f"{edge.HOME}/maps/{name}.map"


def _rows(answer: str) -> dict[str, str]:
    """Return the rows of a map out of the answer to ``show map``."""
    rows = (line.split() for line in answer.splitlines() if line.startswith("0x"))
    return {row[1]: row[2] for row in rows if len(row) >= 3}
