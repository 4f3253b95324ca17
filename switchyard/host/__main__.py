"""One JSON request as the first line of standard input, events as lines of standard output."""

from __future__ import annotations

import json
import os
import sys

from switchyard.host import channel


def _first_line(descriptor: int) -> bytes:
    """Reads no byte beyond the line: what follows belongs to the channel."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(descriptor, 1)
        if not byte:
            raise SystemExit(2)
        line += byte
    return line


def main() -> None:
    """Serves one request."""
    os.umask(0o077)
    request = json.loads(_first_line(0))
    raise SystemExit(channel.serve(request, sys.stdin.buffer))


if __name__ == "__main__":
    main()
