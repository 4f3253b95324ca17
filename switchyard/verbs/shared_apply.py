"""``inv shared.apply``: apply changed shared services, which a deploy leaves alone."""

from __future__ import annotations

from pathlib import Path

from switchyard.control.apply import apply_commit


def shared_apply(checkout: Path, host_name: str, *, rev: str | None, yes: bool) -> int:
    """Restart the shared services that a commit changes. Return the exit code."""
    return apply_commit(checkout, host_name, "shared.apply", rev=rev, yes=yes)
