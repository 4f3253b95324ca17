"""A relay to a host's sshd that can cut, delay, refuse and swallow."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time

Pieces = queue.Queue[tuple[float, bytes]]
"""Bytes, each with the monotonic time at which to send them."""


class Relay:
    """Copies bytes both ways between a port of its own and the host's, each ``delay`` seconds later."""

    def __init__(self, port: int, delay: float = 0.0) -> None:
        self.target, self.delay = port, delay
        self.refuses = False
        """Whether new connections end at once, as with a machine that is asleep or out of reach."""
        self.deaf = False
        """Whether the relay swallows what goes to the host, as a connection does that is about to break."""
        self.room = 0
        """How many bytes of each connection go to the host before the relay swallows the rest; 0: all of them."""
        self.swallowed = 0
        """How many pieces the relay swallowed."""
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.server.getsockname()[1]
        self.open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self.server.accept()
            except OSError:
                return
            far = None if self.refuses else self._reach()
            if far is None:
                near.close()
                continue
            self.open += [near, far]
            for source, sink in ((near, far), (far, near)):
                pieces: Pieces = queue.Queue()
                threading.Thread(target=self._read, args=(source, pieces, source is near), daemon=True).start()
                threading.Thread(target=self._send, args=(pieces, sink), daemon=True).start()

    def _reach(self) -> socket.socket | None:
        """Connect to the host. None: it is down, and may come back."""
        try:
            return socket.create_connection(("127.0.0.1", self.target))
        except OSError:
            return None

    def _read(self, source: socket.socket, pieces: Pieces, inward: bool) -> None:
        data, count = b"first", 0
        while data:
            try:
                data = source.recv(65536)
            except OSError:
                data = b""
            count += len(data)
            if inward and data and (self.deaf or count > self.room > 0):
                self.swallowed += 1
                continue
            pieces.put((time.monotonic() + self.delay, data))

    def _send(self, pieces: Pieces, sink: socket.socket) -> None:
        """Send what is due, and pass on the end of one side to the other."""
        while True:
            due, data = pieces.get()
            time.sleep(max(0.0, due - time.monotonic()))
            with contextlib.suppress(OSError):
                if not data:
                    sink.shutdown(socket.SHUT_WR)
                    return
                sink.sendall(data)

    def cut(self) -> None:
        """End every connection so far. New ones are possible."""
        for connection in self.open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self.open.clear()
