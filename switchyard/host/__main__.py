"""Serve one request: a JSON line on standard input. Events go to standard output, one a line."""

from __future__ import annotations

import os
import sys

from switchyard.core.errors import BAD_INPUT
from switchyard.core.wire import json_text
from switchyard.core.wire.message import WireError
from switchyard.core.wire.request import Request
from switchyard.host.adapters.kernel import now, process_age
from switchyard.host.channel.ends import end_with
from switchyard.host.channel.serve import serve

REQUEST_MOST = 16 * 1024 * 1024
"""Bytes of a request."""


def _first_line(descriptor: int) -> bytes:
    """Read one line, and no byte beyond it: what follows belongs to the channel."""
    line = bytearray()
    while not line.endswith(b"\n") and len(line) <= REQUEST_MOST:
        byte = os.read(descriptor, 1)
        if not byte:
            raise SystemExit(2)
        line += byte
    return bytes(line)


def main() -> None:
    """Serve one request, and exit with its code."""
    os.umask(0o077)
    try:
        request = Request.decode(json_text.parse(_first_line(0), size_most=REQUEST_MOST))
    except (ValueError, WireError) as error:
        raise SystemExit(end_with(BAD_INPUT, f"the host program cannot read the request: {error}")) from None
    typed_at = now() - max(request.typed, process_age())  # neither side's clock measures a line that stalls alone
    raise SystemExit(serve(request, sys.stdin.buffer, typed_at=typed_at))


if __name__ == "__main__":
    main()
