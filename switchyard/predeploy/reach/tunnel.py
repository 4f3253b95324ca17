"""A server beside the application's containers, reached through the host's SSH connection; no port is published."""

from __future__ import annotations

import contextlib
import shutil
import socket
import tempfile
import threading
from pathlib import Path
from typing import Any

import paramiko

from switchyard.core.errors import NotChecked
from switchyard.predeploy.engine.subject import Subject

OPENS_WITHIN = 10.0
"""Seconds in which the server must take a connection."""
PART = 1 << 16
HEARD = 4096
"""Bytes that are kept of what the server says first, for errors that a client library tells in words only."""


class Forward:
    """A Unix socket in a folder of the user's own, or a port; each connection to it is one to the server."""

    def __init__(self, subject: Subject, address: str, port: int, *, by_port: bool = False) -> None:
        """``by_port``: on loopback, for clients that speak TLS on no socket. Raises ``NotChecked`` for no answer."""
        self._connection = subject.channel.connection
        self._where = f"{subject.machine}: {address}:{port}"
        self._target = (address, port)
        self.heard = b""
        """What the server said first on the newest connection."""
        self._first: Any = self._open()
        self.folder = Path(tempfile.mkdtemp(prefix="switchyard-"))
        self.path = self.folder / f".s.PGSQL.{port}"
        self._listener = socket.socket(socket.AF_INET if by_port else socket.AF_UNIX)
        self._listener.bind(("127.0.0.1", 0) if by_port else str(self.path))
        self._listener.listen()
        self.port = int(self._listener.getsockname()[1]) if by_port else port
        threading.Thread(target=self._serve, daemon=True).start()
        subject.closing.callback(self.close)

    def _open(self) -> Any:
        transport = self._connection.transport
        try:
            if transport is None or not transport.is_active():
                raise NotChecked(f"{self._where}: the SSH connection is closed")
            channel = transport.open_channel("direct-tcpip", self._target, ("127.0.0.1", 0), timeout=OPENS_WITHIN)
        except paramiko.ChannelException as error:
            # 1 is what sshd answers where it forwards nothing.
            hint = "sshd there forwards nothing: AllowTcpForwarding" if error.code == 1 else "nothing answers"
            raise NotChecked(f"{self._where}: {hint}") from None
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise NotChecked(f"{self._where}: no connection within {OPENS_WITHIN:.0f} s: {error}") from None
        return channel

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                try:
                    channel, self._first = self._first or self._open(), None
                except NotChecked:
                    client.close()
                    continue
                self.heard = b""
                threading.Thread(target=self._outward, args=(client, channel), daemon=True).start()
                threading.Thread(target=self._inward, args=(channel, client), daemon=True).start()

    def _outward(self, client: socket.socket, channel: Any) -> None:
        with contextlib.suppress(OSError, EOFError):
            while data := client.recv(PART):
                channel.sendall(data)
            channel.shutdown_write()

    def _inward(self, channel: Any, client: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError):
            while data := channel.recv(PART):
                self.heard = (self.heard + data)[:HEARD]
                client.sendall(data)
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)
        client.close()
        channel.close()

    def close(self) -> None:
        """No connection any more, and nothing left of the folder."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        if self._first is not None:
            self._first.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def socket_to(subject: Subject, address: str, port: int) -> Path:
    """The Unix socket of a server that the host reaches, one for all checks; libpq takes its folder and the port."""
    made: Forward = subject.once(f"forward {subject.machine} {address}:{port}", lambda: Forward(subject, address, port))
    return made.path


def port_to(subject: Subject, address: str, port: int) -> int:
    """The port on loopback that leads there."""
    made: Forward = subject.once(
        f"port {subject.machine} {address}:{port}", lambda: Forward(subject, address, port, by_port=True)
    )
    return made.port
