"""Sandbox hosts up and down."""

from __future__ import annotations

from pathlib import Path

from switchyard.control import sandbox


def up(count: int = 1, *, state: Path = sandbox.STATE) -> None:
    """Start ``count`` sandbox hosts and print how to reach them."""
    hosts = sandbox.up(count, state=state)
    for host in hosts:
        options = f"-i {host.key} -o UserKnownHostsFile={state / 'known_hosts'} -o StrictHostKeyChecking=yes"
        print(f"ssh {options} -p {host.port} {sandbox.USER}@127.0.0.1")


def down(*, images: bool = True, state: Path = sandbox.STATE) -> None:
    """Remove this checkout's sandbox hosts and everything of theirs."""
    sandbox.down(state=state, images=images)
    print("removed everything of the sandbox")
