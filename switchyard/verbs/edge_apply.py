"""``inv edge.apply``: give the edge other public addresses, which recreates its container."""

from __future__ import annotations

from pathlib import Path

from switchyard.control.apply import apply_commit


def edge_apply(checkout: Path, host_name: str, *, rev: str | None, yes: bool) -> int:
    """Give the edge the addresses of a commit. Return the exit code."""
    return apply_commit(checkout, host_name, "edge.apply", rev=rev, yes=yes)
