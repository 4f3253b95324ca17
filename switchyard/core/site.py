"""What one machine looks like, as plain values: observed by the host program, decided upon by ``machine``."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from switchyard.core.names import COLOURS, other
from switchyard.core.wire.message import Message

NOTHING = "none"
"""No colour: the edge answers 503."""


@dataclass(frozen=True)
class Slot(Message):
    """One colour: the release whose containers it holds, and how they are."""

    release: str | None = None
    front: str = "none"
    """Its routed and plain services: none, stopped, starting (running, not proven), healthy, failed."""
    single: str = "none"
    """Its handover services: none, stopped, running (not proven), healthy, failed; unused: its release has none."""

    @property
    def runs_singletons(self) -> bool:
        """Whether a singleton of this colour may be at work."""
        return self.single in ("running", "healthy", "failed")


@dataclass(frozen=True)
class Site(Message):
    """One machine as seen at one instant. Time is a field: ``now``, seconds since the boot."""

    blue: Slot = field(default_factory=Slot)
    green: Slot = field(default_factory=Slot)
    proxy: str = "down"
    """What the running proxy answers: blue, green, none or down."""
    map_file: str = NOTHING
    """What the map file says: blue, green or none."""
    edge: str = "absent"
    """absent, stale (its configuration lacks what the release needs) or current."""
    shared: str = "absent"
    """absent or healthy."""
    stage: str = "absent"
    """How far the wanted release is: absent, received, built, ran (its oneshots succeeded), broken (one failed)."""
    smoke: str = "unknown"
    """unknown, ok or failed, through the preview ports."""
    verdict: str = "unknown"
    """Of the wanted release once live: unknown, looked (right from the host), ok, unverified, wrong."""
    now: float = 0.0

    @property
    def live(self) -> str:
        """What the running proxy answers; if it is down, the map file."""
        return self.map_file if self.proxy == "down" else self.proxy

    def slot(self, colour: str) -> Slot:
        """The slot of a colour."""
        return self.blue if colour == "blue" else self.green

    def holder(self, release: str) -> str | None:
        """The colour that holds a release: the live one, where both do."""
        colours = ("green", "blue") if self.live == "green" else ("blue", "green")
        return next((colour for colour in colours if self.slot(colour).release == release), None)

    @property
    def idle(self) -> str:
        """The colour that the next release goes to."""
        return "blue" if self.live == NOTHING else other(self.live)

    def once_up(self, release: str) -> dict[str, str]:
        """The release that each colour holds once this one is up; this one, where it holds none."""
        home = self.holder(release) or self.idle
        return {colour: (colour != home and self.slot(colour).release) or release for colour in COLOURS}

    def with_slot(self, colour: str, slot: Slot) -> Site:
        """The same site with another slot."""
        return replace(self, blue=slot) if colour == "blue" else replace(self, green=slot)


VALUES: dict[str, tuple[object, ...]] = {
    "proxy": ("blue", "green", "none", "down"),
    "map_file": ("blue", "green", "none"),
    "edge": ("absent", "stale", "current"),
    "shared": ("absent", "healthy"),
    "stage": ("absent", "received", "built", "ran", "broken"),
    "smoke": ("unknown", "ok", "failed"),
    "verdict": ("unknown", "looked", "ok", "unverified", "wrong"),
    "now": (0.0, 1e6),
    "release": (None, "old", "new"),
    "front": ("none", "stopped", "starting", "healthy", "failed"),
    "single": ("unused", "none", "stopped", "running", "healthy", "failed"),
}
"""Every field of a site and of a slot with the values that tests take the product of."""
