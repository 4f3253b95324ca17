"""``inv sandbox.up``: start sandbox hosts."""

from __future__ import annotations

from pathlib import Path

from switchyard.control import checkout_lock, sandbox


def sandbox_up(count: int = 1, *, state: Path = sandbox.STATE) -> int:
    """Start sandbox hosts and print an ssh command for each."""
    with checkout_lock.hold(state / "sandbox.lock", "another sandbox verb of this checkout", print):
        hosts = sandbox.up(count, state=state)
    for host in hosts:
        options = f"-i {host.key} -o UserKnownHostsFile={state / 'known_hosts'} -o StrictHostKeyChecking=yes"
        print(f"ssh {options} -p {host.port} {sandbox.USER}@127.0.0.1")
    return 0
