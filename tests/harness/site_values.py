"""The values of every field of a site."""

from __future__ import annotations

VALUES: dict[str, tuple[object, ...]] = {
    "proxy": ("blue", "green", "none", "down"),
    "map_file": ("blue", "green", "none"),
    "hold": ("off", "on"),
    "edge": ("absent", "stale", "current"),
    "shared": ("absent", "running", "healthy", "failed"),
    "stage": ("absent", "received", "built", "ran", "broken"),
    "smoke": ("unknown", "ok", "failed"),
    "verdict": ("unknown", "looked", "ok", "unverified", "wrong"),
    "release": (None, "old", "new"),
    "front": ("none", "stopped", "starting", "healthy", "failed"),
    "single": ("unused", "none", "stopped", "lacking", "running", "healthy", "failed"),
    "exclusive": (False, True),
}
"""Each field of a site and of a slot with its values, for the product of all sites."""
