"""A simulated host: containers, an edge and files. It shares no code with the decisions under test."""

from __future__ import annotations

from dataclasses import dataclass, field

from switchyard.core.next_step import Step
from switchyard.core.site import Site, Slot


@dataclass
class Colour:
    release: str | None = None
    front: str = "none"
    single: str = "none"


@dataclass
class Host:
    """The truth of one machine, with what makes acts fail."""

    colours: dict[str, Colour] = field(default_factory=lambda: {"blue": Colour(), "green": Colour()})
    proxy: str = "down"
    map_file: str = "none"
    edge: str = "absent"
    shared: str = "absent"
    stage: str = "absent"
    smoke: str = "unknown"
    verdict: str = "unknown"
    sick: frozenset[str] = frozenset()
    """Acts on the wanted release that come out badly: oneshots, front, smoke, single, look, seen."""

    @classmethod
    def from_site(cls, site: Site, sick: frozenset[str] = frozenset()) -> Host:
        colours = {
            name: Colour(*(getattr(site.slot(name), part) for part in ("release", "front", "single")))
            for name in ("blue", "green")
        }
        return cls(
            colours, site.proxy, site.map_file, site.edge, site.shared, site.stage, site.smoke, site.verdict, sick
        )

    def seen(self) -> Site:
        blue, green = (Slot(c.release, c.front, c.single) for c in (self.colours["blue"], self.colours["green"]))
        return Site(
            blue, green, self.proxy, self.map_file, self.edge, self.shared, self.stage, self.smoke, self.verdict
        )

    def forget(self) -> None:
        """What a killed program knew and nobody can observe."""
        self.smoke = self.verdict = "unknown"
        for colour in self.colours.values():
            if colour.front in ("healthy", "failed"):
                colour.front = "starting"
            if colour.single in ("healthy", "failed"):
                colour.single = "running"

    def do(self, step: Step, wanted: str, how: str) -> None:
        """Carries a step out: ``wholly``, ``partly``, ``not`` at all, or ``lost``: done, and the program is killed."""
        if how != "not":
            getattr(self, f"_{step.name}")(step.colour, wanted, how == "partly")
        if how in ("partly", "not", "lost"):
            self.forget()

    def _receive(self, colour, wanted, partly):
        self.stage = "absent" if partly else "received"

    def _build(self, colour, wanted, partly):
        self.stage = "received" if partly else "built"

    def _shared(self, colour, wanted, partly):
        self.shared = "absent" if partly else "healthy"

    def _edge(self, colour, wanted, partly):
        if partly:
            return
        self.edge, self.proxy = "current", self.map_file

    def _oneshots(self, colour, wanted, partly):
        if not partly:
            self.stage = "broken" if "oneshots" in self.sick else "ran"

    def _retire(self, colour, wanted, partly):
        slot = self.colours[colour]
        if partly:
            slot.front, slot.single = "stopped", slot.single if slot.single in ("none", "unused") else "stopped"
        else:
            self.colours[colour] = Colour()

    def _up(self, colour, wanted, partly):
        slot = self.colours[colour]
        if slot.release is None:
            slot.release, slot.single = wanted, "none"
        slot.front = "stopped" if partly else "starting"

    def _prove(self, colour, wanted, partly):
        slot = self.colours[colour]
        slot.front = "failed" if "front" in self.sick and slot.release == wanted else "healthy"

    def _smoke(self, colour, wanted, partly):
        self.smoke = "failed" if "smoke" in self.sick else "ok"

    def _switch(self, colour, wanted, partly):
        self.map_file = colour
        if not partly and self.proxy != "down":
            self.proxy = colour

    def _stop_singletons(self, colour, wanted, partly):
        if not partly:
            self.colours[colour].single = "stopped"

    def _start_singletons(self, colour, wanted, partly):
        self.colours[colour].single = "stopped" if partly else "running"

    def _prove_singletons(self, colour, wanted, partly):
        slot = self.colours[colour]
        slot.single = "failed" if "single" in self.sick and slot.release == wanted else "healthy"
        if slot.single == "failed":
            self.verdict = "wrong"

    def _look(self, colour, wanted, partly):
        self.verdict = "wrong" if "look" in self.sick else "looked"

    def _seen(self, colour, wanted, partly):
        self.verdict = "wrong" if "seen" in self.sick else "ok"

    def _cancel(self, colour, wanted, partly):
        if not partly:
            self.colours[colour].front = "stopped"
