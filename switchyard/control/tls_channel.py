"""TLS over a connection that is no socket of this machine's, such as one through SSH."""

from __future__ import annotations

import io
import ssl
from collections.abc import Callable
from typing import TypeVar

import paramiko

T = TypeVar("T")
PART = 16384


class TlsChannel:
    """What ``http.client`` needs of a socket, with TLS inside an SSH channel."""

    def __init__(self, channel: paramiko.Channel, context: ssl.SSLContext, name: str) -> None:
        """Shake hands, and verify that the other side is this name."""
        self._channel = channel
        self._received, self._to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._received, self._to_send, server_hostname=name)
        self._until_done(self._tls.do_handshake)

    def _until_done(self, act: Callable[[], T]) -> T:
        """Do an act of TLS, and pass on what it sends and needs. Raise ``EOFError`` where the other side goes away."""
        while True:
            try:
                return act()
            except ssl.SSLWantReadError:
                self._flush()
                data = self._channel.recv(PART)
                if not data:
                    raise EOFError("the connection ended during TLS") from None
                self._received.write(data)
            finally:
                self._flush()

    def _flush(self) -> None:
        if data := self._to_send.read():
            self._channel.sendall(data)

    def sendall(self, data: bytes) -> None:
        """Send all of it."""
        self._until_done(lambda: self._tls.write(data))

    def makefile(self, mode: str) -> io.BufferedReader:
        """Return a file that reads what is received. With it, the channel is closed."""
        return io.BufferedReader(_Received(self, self._channel), PART)

    def close(self) -> None:
        """Do nothing: ``http.client`` closes a socket before it has read all of it."""

    def receive(self, size: int) -> bytes:
        """Return some bytes; none at the end."""
        try:
            return self._until_done(lambda: self._tls.read(size))
        except (EOFError, ssl.SSLZeroReturnError):
            return b""


class _Received(io.RawIOBase):
    """Reads what a channel receives."""

    def __init__(self, tls: TlsChannel, channel: paramiko.Channel) -> None:
        self._tls, self._channel = tls, channel

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview[int], /) -> int:  # type: ignore[override]
        data = self._tls.receive(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        super().close()
        self._channel.close()
