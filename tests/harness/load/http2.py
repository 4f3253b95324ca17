"""Requests over TLS and HTTP/2, by curl: it goes on with what it asked before the server ends a connection."""

from __future__ import annotations

import signal
import subprocess
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from typing import NamedTuple

MOST_REQUESTS = 400_000
ANSWER_SECONDS = 5
_LINE = "%{stderr}%{http_version} %{http_code} %{errormsg}\n"
"""What curl prints of each request. What goes to its standard output is lost where it is stopped."""


class Http2Summary(NamedTuple):
    """What became of the requests."""

    sent: int
    errors: Counter[str]
    """How requests failed, and how often. An answer over another version of HTTP is a failure."""

    @property
    def failed(self) -> int:
        return sum(self.errors.values())


class Http2Load:
    """Sends ``rate`` requests a second for a name at an address, one after the other, until ``stop``."""

    def __init__(self, name: str, address: str, port: int, trust: str, *, rate: int = 60, body: str = "") -> None:
        """Take what to send: POST where there is a ``body``. ``trust`` is the certificate of who may answer, in PEM."""
        self._trust = trust
        words = ["--http2", "--rate", f"{rate}/s", "--max-time", str(ANSWER_SECONDS)]
        words += ["--resolve", f"{name}:{port}:{address}", "--write-out", _LINE]
        words += ["--data", body] if body else []
        url = f"https://{name}:{port}{'/echo' if body else '/'}?number=[1-{MOST_REQUESTS}]"
        self._command = ["curl", "--silent", *words, "--output", "/dev/null", url]

    def __enter__(self) -> Http2Load:
        with ExitStack() as stack:
            self._printed = stack.enter_context(tempfile.TemporaryFile("w+"))
            trust = stack.enter_context(tempfile.NamedTemporaryFile("w", suffix=".pem"))
            trust.write(self._trust)
            trust.flush()
            command = [*self._command, "--cacert", trust.name]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=self._printed)
            stack.callback(self._end)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _end(self) -> None:
        self._process.kill()
        self._process.wait()

    def stop(self) -> Http2Summary:
        """End the load, and return what became of it. The request that is under way does not count."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait()
        self._printed.seek(0)
        return summarise(self._printed.read().splitlines())


def summarise(lines: Sequence[str]) -> Http2Summary:
    """Return what curl printed of each request: version, status, error."""
    return Http2Summary(len(lines), Counter(line for line in lines if line.strip() != "2 200"))
