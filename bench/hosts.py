"""What benches ask of a sandbox host."""

from __future__ import annotations

import contextlib
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from switchyard.control import sandbox
from tests.harness.site import Site

SESSIONS = "grep -c 'Starting session: command' /var/log/sshd.log || true"


@contextlib.contextmanager
def sandbox_host() -> Iterator[tuple[sandbox.SandboxHost, Path]]:
    """Yield a sandbox host and a folder of its own, ``state`` in it; remove both at the end, also after SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="switchyard-bench-") as name:
        folder = Path(name)
        try:
            (host,) = sandbox.up(1, state=folder / "state")
            yield host, folder
        finally:
            sandbox.down(state=folder / "state", images=False)


def executions(site: Site) -> int:
    """Return how many commands sshd was asked to run so far, according to its log."""
    return int(site.run("sh", "-c", SESSIONS))
