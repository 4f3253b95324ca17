"""A relay to a host's sshd which can be cut, and which can make the way longer."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time


class Relay:
    """Copies bytes both ways between a port of its own and the host's, each ``delay`` seconds later."""

    def __init__(self, port: int, delay: float = 0.0) -> None:
        self.target, self.delay = port, delay
        self.refuses = False
        """Whether new connections end at once, as on a machine that is asleep or out of reach."""
        self.deaf = False
        """Whether what is sent to the host is swallowed, as by a line that is about to break."""
        self.room = 0
        """How many bytes each connection takes to the host before the rest is swallowed; 0: all."""
        self.swallowed = 0
        """How many pieces were."""
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
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
                held: queue.Queue[tuple[float, bytes]] = queue.Queue()
                threading.Thread(target=self._take, args=(source, held, source is near), daemon=True).start()
                threading.Thread(target=self._give, args=(held, sink), daemon=True).start()

    def _reach(self) -> socket.socket | None:
        """A connection to the host, which may be down and come back."""
        try:
            return socket.create_connection(("127.0.0.1", self.target))
        except OSError:
            return None

    def _take(self, source: socket.socket, held: queue.Queue[tuple[float, bytes]], inward: bool) -> None:
        data, taken = b"first", 0
        while data:
            try:
                data = source.recv(65536)
            except OSError:
                data = b""
            taken += len(data)
            if inward and data and (self.deaf or taken > self.room > 0):
                self.swallowed += 1
                continue
            held.put((time.monotonic() + self.delay, data))

    def _give(self, held: queue.Queue[tuple[float, bytes]], sink: socket.socket) -> None:
        """Sends what is due; the end of one side is passed on to the other."""
        while True:
            due, data = held.get()
            time.sleep(max(0.0, due - time.monotonic()))
            with contextlib.suppress(OSError):
                if not data:
                    sink.shutdown(socket.SHUT_WR)
                    return
                sink.sendall(data)

    def cut(self) -> None:
        """Every connection so far ends; new ones are taken."""
        for one in self.open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self.open.clear()
