"""``inv sandbox.up``: start sandbox hosts."""

from __future__ import annotations

from pathlib import Path

from switchyard.control import sandbox


def sandbox_up(count: int = 1, *, state: Path = sandbox.STATE) -> int:
    """Start sandbox hosts and print an ssh command for each."""
    for host in sandbox.up(count, state=state):
        options = f"-i {host.key} -o UserKnownHostsFile={state / 'known_hosts'} -o StrictHostKeyChecking=yes"
        print(f"ssh {options} -p {host.port} {sandbox.USER}@127.0.0.1")
    return 0
