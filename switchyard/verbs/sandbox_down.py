"""``inv sandbox.down``: remove the sandbox hosts."""

from __future__ import annotations

from pathlib import Path

from switchyard.control import checkout_lock, sandbox


def sandbox_down(*, state: Path = sandbox.STATE) -> int:
    """Remove this checkout's sandbox hosts with everything that belongs to them."""
    with checkout_lock.hold(state / "sandbox.lock", "another sandbox verb of this checkout", print):
        sandbox.down(state=state, images=True)
    print("removed everything of the sandbox")
    return 0
