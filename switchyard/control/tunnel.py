"""A server that a host reaches, through the host's SSH connection; no port is published."""

from __future__ import annotations

import contextlib
import shutil
import socket
import tempfile
import threading
from pathlib import Path

import fabric
import paramiko

from switchyard.core.errors import NotChecked

OPENS_WITHIN = 10.0
"""Seconds within which the server must accept a connection."""
PART = 1 << 16
"""Bytes that a tunnel moves at once."""
HEARD = 4096
"""Bytes that a tunnel keeps of the server's first words: client libraries report some errors in prose only."""
PROHIBITED = 1
"""The SSH failure code of an sshd that forwards nothing."""


class Tunnel:
    """A Unix socket in a private folder, or a port on loopback; each connection to it is one to the server."""

    def __init__(
        self, connection: fabric.Connection, machine: str, address: str, port: int, *, by_port: bool = False
    ) -> None:
        """Open the tunnel. Raise ``NotChecked`` if the server does not answer.

        ``by_port``: listen on loopback, for clients that speak TLS on no Unix socket.
        """
        self._connection = connection
        self._where = f"{machine}: {address}:{port}"
        self._target = (address, port)
        self.heard = b""
        """The server's first words on the newest connection."""
        self._first: paramiko.Channel | None = self._open()
        self.folder = Path(tempfile.mkdtemp(prefix="switchyard-"))
        self.path = self.folder / f".s.PGSQL.{port}"
        """The socket, under the name that libpq looks for."""
        self._listener = socket.socket(socket.AF_INET if by_port else socket.AF_UNIX)
        self._listener.bind(("127.0.0.1", 0) if by_port else str(self.path))
        self._listener.listen()
        self.port = int(self._listener.getsockname()[1]) if by_port else port
        threading.Thread(target=self._serve, daemon=True).start()

    def _open(self) -> paramiko.Channel:
        transport = self._connection.transport
        try:
            if transport is None or not transport.is_active():
                raise NotChecked(f"{self._where}: the SSH connection is closed")
            channel: paramiko.Channel = transport.open_channel(
                "direct-tcpip", self._target, ("127.0.0.1", 0), timeout=OPENS_WITHIN
            )
        except paramiko.ChannelException as error:
            hint = "sshd there forwards nothing: AllowTcpForwarding" if error.code == PROHIBITED else "nothing answers"
            raise NotChecked(f"{self._where}: {hint}") from None
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise NotChecked(f"{self._where}: no connection within {OPENS_WITHIN:.0f} s: {error}") from None
        return channel

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                try:
                    channel = self._take()
                except NotChecked:
                    client.close()
                    continue
                self.heard = b""
                threading.Thread(target=self._send, args=(client, channel), daemon=True).start()
                threading.Thread(target=self._receive, args=(channel, client), daemon=True).start()

    def _take(self) -> paramiko.Channel:
        """Return the connection that was opened first, unless the server has closed it meanwhile, or a new one."""
        first, self._first = self._first, None
        if first is not None and not first.eof_received:
            return first
        if first is not None:
            first.close()
        return self._open()

    def _send(self, client: socket.socket, channel: paramiko.Channel) -> None:
        """Move bytes from the client to the server."""
        with contextlib.suppress(OSError, EOFError):
            while data := client.recv(PART):
                channel.sendall(data)
            channel.shutdown_write()

    def _receive(self, channel: paramiko.Channel, client: socket.socket) -> None:
        """Move bytes from the server to the client."""
        with contextlib.suppress(OSError, EOFError):
            while data := channel.recv(PART):
                self.heard = (self.heard + data)[:HEARD]
                client.sendall(data)
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)
        client.close()
        channel.close()

    def close(self) -> None:
        """Accept no connection any more, and delete the folder."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        if self._first is not None:
            self._first.close()
        shutil.rmtree(self.folder, ignore_errors=True)
