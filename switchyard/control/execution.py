"""One remote execution of the host program: what it prints, what it reads, and the beat that keeps it waiting."""

from __future__ import annotations

import contextlib
import json
import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import fabric
import paramiko

from switchyard.control import host_program, typed
from switchyard.control.connection import CONNECT_WITHIN
from switchyard.core.errors import BadInput, NotChecked, Refused, SwitchyardError
from switchyard.core.wire import events, json_text
from switchyard.core.wire.events import Event
from switchyard.core.wire.message import WireError
from switchyard.core.wire.request import Request, Word

BEAT_EVERY = 5.0
"""Seconds between two beats. Before its switch the host program cancels an attempt whose beats stop."""
ANSWER_MOST = 4096
"""Bytes of the bootstrap's answer."""
SILENT_WITHIN = 3600.0
"""Seconds without any event after which nobody waits any longer."""


class Execution:
    """The host program, started in a session of its own on an SSH connection."""

    def __init__(self, machine: str, root: str, connection: fabric.Connection) -> None:
        """Start the program, or the bootstrap that installs it. Raise ``NotChecked`` if the connection is lost."""
        self._machine = machine
        self._root = root
        self._is_open = True
        self._writing = threading.Lock()
        self._events: queue.Queue[Event | WireError | None] = queue.Queue()
        self._ended = threading.Event()
        digest, program = host_program.packed()
        transport = connection.transport
        assert transport is not None
        with self._lost_connection():
            self._session = transport.open_session(timeout=CONNECT_WITHIN)
            self._session.exec_command(host_program.bootstrap(root, digest, len(program)))
            self._output = self._session.makefile("rb")

    def begin(self, request: Request) -> None:
        """Send the program where the machine lacks it, then the request, and start to read and to beat."""
        with self._lost_connection():
            answer = self._output.readline(ANSWER_MOST).decode(errors="replace").split()
        if answer[:1] not in (["have"], ["need"]):
            raise self._start_failure(answer)
        if answer[0] == "need":
            self.write(host_program.packed()[1])
        self.write(encoded(replace(request, typed=round(typed.ago(), 3)) if request.attempt else request))
        for loop in (self._read, self.beat):
            threading.Thread(target=loop, daemon=True).start()

    def write(self, data: bytes) -> None:
        """Send bytes to the program. Raise ``NotChecked`` if the connection is lost."""
        with self._writing, self._lost_connection():
            self._session.sendall(data)

    def next_event(self) -> Event | None:
        """Wait for the next event; None once the output has ended, now and ever after."""
        try:
            event = self._events.get(timeout=SILENT_WITHIN)
        except queue.Empty:
            raise NotChecked(
                f"{self._machine}: no word from the host program for {SILENT_WITHIN / 60:.0f} min. It goes on by "
                "itself after its switch, and cancels before it. Look with inv status"
            ) from None
        if event is None:
            self._events.put(None)
        if isinstance(event, WireError):
            raise NotChecked(f"{self._machine}: the host program sent an event that cannot be read: {event}")
        return event

    def close(self) -> None:
        """Stop beating. The program itself goes on."""
        self._is_open = False

    def beat(self) -> None:
        """Tell the program every few seconds that somebody waits, until the execution is closed or lost."""
        while self._is_open:
            time.sleep(BEAT_EVERY)
            try:
                if self._is_open:
                    self.write(encoded(Word("beat")))
            except NotChecked:
                return

    def _read(self) -> None:
        try:
            while text := self._output.readline(json_text.SIZE_MOST):
                self._events.put(events.decode(json_text.parse(text)))
        except WireError as error:
            self._events.put(error)
        except (OSError, EOFError, ValueError):
            pass
        self._events.put(None)
        self._ended.set()

    def await_end(self, within: float) -> None:
        """Wait until the program has ended, for so many seconds at most."""
        self._ended.wait(within)

    def _start_failure(self, answer: list[str]) -> SwitchyardError:
        """Return why the program did not start, from the first line of the bootstrap's output."""
        if answer[:1] == ["root"]:
            return BadInput(
                f"{self._machine}: the SSH user cannot write to {self._root}: {' '.join(answer[1:])}. Choose another "
                "`root` for the host in invoke.yaml"
            )
        if answer[:1] == ["shared"]:
            return Refused(
                f"{self._machine}: nothing runs in {self._root}, because others could change it: "
                f"{' '.join(answer[1:])}. Run what stands in parentheses there, or choose another `root` for the host "
                "in invoke.yaml"
            )
        if answer[:1] == ["python"]:
            return NotChecked(f"{self._machine}: python3 is {answer[1]} there. Install Python 3.10 or newer")
        errors = self._session.makefile_stderr("r").read().strip().splitlines()
        if self._session.recv_exit_status() == 127:
            return NotChecked(f"{self._machine}: python3 is not installed there. Install Python 3.10 or newer")
        return NotChecked(f"{self._machine}: the host program did not start in {self._root}: {errors[-1:] or answer}")

    @contextlib.contextmanager
    def _lost_connection(self) -> Iterator[None]:
        """Raise ``NotChecked`` for whatever paramiko raises when it loses a connection."""
        try:
            yield
        except (OSError, EOFError, paramiko.SSHException) as error:
            cause = str(error) or "the other side closed it"
            raise NotChecked(f"{self._machine}: the connection was lost: {cause}") from None


def encoded(message: Request | Word) -> bytes:
    """Return a message as the host program reads it."""
    return json.dumps(message.encode()).encode() + b"\n"
