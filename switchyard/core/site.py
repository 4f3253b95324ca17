"""What one machine looks like. The host program observes it, and ``next_step`` decides upon it."""

from dataclasses import field, replace

from switchyard.core.names import COLOURS, other
from switchyard.core.wire.message import Message, message

NOTHING = "none"
"""No colour: the edge answers 503."""


@message(frozen=True)
class Slot(Message):
    """One colour: the release whose containers it holds, and their state."""

    release: str | None = None
    front: str = "none"
    """Its routed and plain services: none, stopped, starting (running, not proven), healthy, failed."""
    single: str = "none"
    """Its handover and exclusive services: none, stopped, lacking (some run, fewer than the release says), running (not
    proven), healthy, failed; unused: its release has none. Where its colour is not live, exclusive ones alone are
    proven."""
    exclusive: bool = False
    """Whether its release has exclusive services: its singletons come to it before traffic does."""

    @property
    def runs_singletons(self) -> bool:
        """Whether a singleton of this colour may be at work."""
        return self.single in ("lacking", "running", "healthy", "failed")

    @property
    def is_proven(self) -> bool:
        """Whether all is proven that must run here before traffic comes."""
        return self.front == "healthy" and (not self.exclusive or self.single == "healthy")

    @property
    def lacks_front(self) -> bool:
        """Whether fewer routed or plain services run than its release says."""
        return self.front in ("none", "stopped")

    @property
    def lacks_singletons(self) -> bool:
        """Whether fewer handover and exclusive services run than its release says."""
        return self.single in ("none", "stopped", "lacking")


@message(frozen=True)
class Site(Message):
    """One machine at one instant, from the view of the wanted release."""

    blue: Slot = field(default_factory=Slot)
    green: Slot = field(default_factory=Slot)
    proxy: str = "down"
    """The answer of the running proxy: blue, green, none or down."""
    map_file: str = NOTHING
    """The colour that the map file names: blue, green or none."""
    edge: str = "absent"
    """absent, stale (its configuration lacks what the release needs) or current."""
    hold: str = "off"
    """on while the edge lets requests to exclusive services wait, also where the time of that is over."""
    shared: str = "absent"
    """absent (some do not run), running (not proven by this attempt), healthy or failed."""
    stage: str = "absent"
    """How far the wanted release is: absent, received, built, ran (its oneshots succeeded), broken (one failed)."""
    smoke: str = "unknown"
    """unknown, ok or failed, through the preview ports."""
    verdict: str = "unknown"
    """Of the wanted release once live: unknown, looked (right as seen from the host), ok, unverified, wrong."""

    @property
    def live(self) -> str:
        """The colour that traffic goes to: what the running proxy answers; if it is down, the map file."""
        return self.map_file if self.proxy == "down" else self.proxy

    def slot(self, colour: str) -> Slot:
        """Return the slot of a colour."""
        return self.blue if colour == "blue" else self.green

    def holder(self, release: str) -> str | None:
        """Return the colour that holds a release: the live one where both do, None where neither does."""
        colours = ("green", "blue") if self.live == "green" else ("blue", "green")
        return next((colour for colour in colours if self.slot(colour).release == release), None)

    @property
    def idle(self) -> str:
        """The colour that the next release goes to."""
        return "blue" if self.live == NOTHING else other(self.live)

    def once_up(self, release: str) -> dict[str, str]:
        """Return the release that each colour will hold once this one is up; this one where a colour holds none."""
        home = self.holder(release) or self.idle
        return {colour: (colour != home and self.slot(colour).release) or release for colour in COLOURS}

    def with_slot(self, colour: str, slot: Slot) -> "Site":
        """Return the same site with another slot."""
        return replace(self, blue=slot) if colour == "blue" else replace(self, green=slot)
