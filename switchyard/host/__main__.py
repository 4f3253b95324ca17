"""Serve one request: a JSON line on standard input. Events go to standard output, one a line."""

from __future__ import annotations

import json
import os
import sys

from switchyard.core.wire.request import Request
from switchyard.host.channel.serve import serve


def _first_line(descriptor: int) -> bytes:
    """Read one line, and no byte beyond it: what follows belongs to the channel."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(descriptor, 1)
        if not byte:
            raise SystemExit(2)
        line += byte
    return line


def main() -> None:
    """Serve one request, and exit with its code."""
    os.umask(0o077)
    request = Request.decode(json.loads(_first_line(0)))
    raise SystemExit(serve(request, sys.stdin.buffer))


if __name__ == "__main__":
    main()
