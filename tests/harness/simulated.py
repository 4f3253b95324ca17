"""Simulate a machine: containers, an edge, and what a host program remembers, observed as a ``Site``.

The simulation shares no code with the decisions under test. It keeps what a program only remembers (proofs, failures,
the smoke, the verdict) apart from the state of the machine, so that a kill loses the one and not the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from switchyard.core.site import Site, Slot
from switchyard.core.steps import Step

WHOLLY, PARTLY, NOT, LOST = "wholly", "partly", "not", "lost"
HOW = (WHOLLY, PARTLY, NOT, LOST)
"""How a step ends: done; half done, then killed; an error before it did anything; done, then killed."""


@dataclass
class Colour:
    """The containers of one colour."""

    release: str | None = None
    front: str = "none"
    """none, stopped or running."""
    single: str = "none"
    """unused, none, stopped, lacking (some run) or running."""
    exclusive: bool = False


@dataclass
class Memory:
    """What a host program remembers. It dies with the program."""

    smoke: str = "unknown"
    verdict: str = "unknown"
    proven: set[str] = field(default_factory=set)
    """``front blue``, ``single green``."""
    failed: set[str] = field(default_factory=set)
    shared: str = "running"
    """Of shared services that run: running (not proven), healthy or failed."""


@dataclass
class Machine:
    """The true state of one machine, and which steps fail on it."""

    wanted: str
    colours: dict[str, Colour]
    edge_runs: bool = False
    edge_answers: bool = False
    edge_fits: bool = False
    running_map: str = "none"
    map_file: str = "none"
    holds: bool = False
    shared: bool = False
    stage: str = "absent"
    memory: Memory = field(default_factory=Memory)
    sick: frozenset[str] = frozenset()
    """``new front``, ``old single``, ``shared``, and of the wanted release: oneshots, smoke, look, seen."""
    singles: str = "handover"
    """What singletons releases that come up here have: none, handover, or exclusive ones among them."""

    @classmethod
    def of(cls, site: Site, release: str, sick: frozenset[str] = frozenset(), *, singles: str = "handover") -> Machine:
        """Return a machine that an observer sees as this site."""
        memory, colours = Memory(site.smoke, site.verdict), {}
        memory.shared = "running" if site.shared == "absent" else site.shared
        for colour, slot in (("blue", site.blue), ("green", site.green)):
            truth = {"starting": "running", "healthy": "running", "failed": "running"}
            colours[colour] = Colour(
                slot.release, truth.get(slot.front, slot.front), truth.get(slot.single, slot.single), slot.exclusive
            )
            for group, state in (("front", slot.front), ("single", slot.single)):
                memory.proven |= {f"{group} {colour}"} if state == "healthy" else set()
                memory.failed |= {f"{group} {colour}"} if state == "failed" else set()
        return cls(
            release,
            colours,
            edge_runs=site.edge != "absent",
            edge_answers=site.proxy != "down",
            edge_fits=site.edge == "current",
            running_map=site.map_file if site.proxy == "down" else site.proxy,
            map_file=site.map_file,
            holds=site.hold == "on",
            shared=site.shared != "absent",
            stage=site.stage,
            memory=memory,
            sick=sick,
            singles=singles,
        )

    def seen(self) -> Site:
        """Return what an observer sees now."""
        return Site(
            blue=self._slot("blue"),
            green=self._slot("green"),
            proxy=self.running_map if self.edge_answers else "down",
            map_file=self.map_file,
            hold="on" if self.holds else "off",
            edge=("current" if self.edge_fits else "stale") if self.edge_runs else "absent",
            shared=self.memory.shared if self.shared else "absent",
            stage=self.stage,
            smoke=self.memory.smoke,
            verdict=self.memory.verdict,
        )

    def _slot(self, colour: str) -> Slot:
        slot = self.colours[colour]
        if slot.release is None:
            return Slot()
        return Slot(
            slot.release,
            self._group(f"front {colour}", slot.front, "starting"),
            self._group(f"single {colour}", slot.single, "running"),
            slot.exclusive,
        )

    def _group(self, key: str, truth: str, unproven: str) -> str:
        if truth in ("none", "unused"):
            return truth
        if key in self.memory.failed:
            return "failed"
        if truth in ("stopped", "lacking"):
            return truth
        return "healthy" if key in self.memory.proven else unproven

    def kill(self) -> None:
        """Kill the host program, and lose what only it knew."""
        self.memory = Memory()

    def do(self, step: Step, how: str = WHOLLY) -> None:
        """Do a step, in one of the ways of ``HOW``."""
        if how != NOT:
            act: Callable[[str, bool], None] = getattr(self, f"_{step.name}")
            act(step.colour or "", how == PARTLY)
        if how in (PARTLY, LOST):
            self.kill()

    def _receive(self, colour: str, partly: bool) -> None:
        self.stage = "absent" if partly else "received"

    def _build(self, colour: str, partly: bool) -> None:
        self.stage = "received" if partly else "built"

    def _oneshots(self, colour: str, partly: bool) -> None:
        if not partly:
            self.stage = "broken" if "oneshots" in self.sick else "ran"

    def _shared(self, colour: str, partly: bool) -> None:
        self.shared = not partly
        self.memory.shared = "failed" if "shared" in self.sick and self._is_live() else "healthy"

    def _edge(self, colour: str, partly: bool) -> None:
        self.edge_runs = True
        if not partly:
            self.edge_answers = self.edge_fits = True
            self.running_map = self.map_file

    def _retire(self, colour: str, partly: bool) -> None:
        slot = self.colours[colour]
        if partly:
            self._stop(slot, "front")
            self._stop(slot, "single")
            return
        self.colours[colour] = Colour()
        self._forget(colour, "front", "single")

    def _up(self, colour: str, partly: bool) -> None:
        slot = self.colours[colour]
        if slot.release is None:
            slot.release, slot.single = self.wanted, "unused" if self.singles == "none" else "none"
            slot.exclusive = self.singles == "exclusive"
        slot.front = "stopped" if partly else "running"
        self._forget(colour, "front")

    def _prove(self, colour: str, partly: bool) -> None:
        self._judge(colour, "front", partly)

    def _smoke(self, colour: str, partly: bool) -> None:
        assert self.colours[colour].front == "running", "the smoke asks a colour that does not run"
        self.memory.smoke = "failed" if "smoke" in self.sick else "ok"

    def _hold(self, colour: str, partly: bool) -> None:
        slot = self.colours[colour]
        if partly and slot.exclusive and slot.single == "running":
            slot.single = "lacking"
        self.holds = not partly

    def _release(self, colour: str, partly: bool) -> None:
        self.holds = partly

    def _switch(self, colour: str, partly: bool) -> None:
        self.map_file = colour
        if partly:
            return
        if self.edge_answers:
            self.running_map = colour
        slot = self.colours.get(colour, Colour())
        if slot.exclusive:
            self.memory.proven.discard(f"single {colour}")
        if slot.single in ("unused", "running") or slot.release is None:
            self.holds = False

    def _stop_singletons(self, colour: str, partly: bool) -> None:
        if partly:
            self.colours[colour].single = "lacking"
            return
        self._stop(self.colours[colour], "single")
        self._forget(colour, "single")

    def _start_singletons(self, colour: str, partly: bool) -> None:
        slot = self.colours[colour]
        assert slot.release is not None, "singletons start in a colour that holds no release"
        slot.single = "lacking" if partly else "running"

    def _prove_singletons(self, colour: str, partly: bool) -> None:
        self._judge(colour, "single", partly)
        if f"single {colour}" in self.memory.failed and self.colours[colour].release == self.wanted:
            self.memory.verdict = "wrong"

    def _look(self, colour: str, partly: bool) -> None:
        live = self.colours.get(self.running_map, Colour())
        right = self.edge_answers and live.release == self.wanted and live.front == "running"
        self.memory.verdict = "looked" if right and "look" not in self.sick else "wrong"

    def _seen(self, colour: str, partly: bool) -> None:
        self.memory.verdict = "wrong" if "seen" in self.sick else "ok"

    def _cancel(self, colour: str, partly: bool) -> None:
        if not partly:
            self._stop(self.colours[colour], "front")
            self._stop(self.colours[colour], "single")
            self.memory.failed.add(f"front {colour}")

    def _judge(self, colour: str, group: str, partly: bool) -> None:
        slot = self.colours[colour]
        well = getattr(slot, group) == "running" and f"{slot.release} {group}" not in self.sick
        if not partly:
            (self.memory.proven if well else self.memory.failed).add(f"{group} {colour}")

    def _stop(self, slot: Colour, group: str) -> None:
        if getattr(slot, group) in ("lacking", "running"):
            setattr(slot, group, "stopped")

    def _is_live(self) -> bool:
        live = self.running_map if self.edge_answers else self.map_file
        return self.colours.get(live, Colour()).release == self.wanted

    def _forget(self, colour: str, *groups: str) -> None:
        for group in groups:
            self.memory.proven.discard(f"{group} {colour}")
            self.memory.failed.discard(f"{group} {colour}")
