"""Every site at once: what any run can do, checked step by step instead of run by run.

A run is a chain of steps, and what a step does depends on where it begins, never on how the run came there. So it is
enough to take each place once, let its one next step come out in every way (wholly, partly, or done and the program
killed; well or sick; with singletons or without), and see that

- the step breaks no invariant and does nothing that its goal may not do,
- where it leads is a place of this same set, which is why any number of faults, at any step, is covered,
- a place without a next step keeps what its outcome promises; what depends on where a run began is kept by each step,
  and so by every chain of them (``strayed``),
- the steps that come out wholly form no circle: from every place, so also after the last fault, every goal ends.

Of the stages, those that agree in all that a decision reads are decided together.

That is more than walking from every site with some faults, and each place is looked at once instead of in every walk
that comes through it. A place is a ground (colours and edge, with what a program knows of them) and a stage (the
fields of ``STAGED``). Sites that differ in ``now`` alone are one place, for the decisions do not read the time; a test
keeps it so.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any, NamedTuple

from switchyard.core import next_step as machine
from switchyard.core.next_step import Want
from switchyard.core.site import VALUES, Site
from switchyard.core.steps import Step
from tests.harness.promises import overreach, strayed, unkept
from tests.harness.simulated import LOST, PARTLY, WHOLLY, Colour, Machine, Memory

STEPS = 60
"""More than any way needs, and no more than a program goes."""
STAGED = ("shared", "stage", "smoke", "verdict")
STAGES = list(itertools.product(*(VALUES[name] for name in STAGED)))
NUMBERS = {stage: number for number, stage in enumerate(STAGES)}
BARE = STAGES[0]
IMAGED = ["absent" if stage[1] in ("absent", "received") else "built" for stage in STAGES]
"""Of each stage what ``strayed`` asks of it: whether there are images."""
SICKNESSES = ("oneshots", "smoke", "look", "seen", "new front", "new single", "old front", "old single")
JUDGED = ("oneshots", "smoke", "look", "seen", "prove", "prove_singletons")
"""Steps that a sickness makes come out badly."""
GROUPS = ("front", "single")
ON_THE_WAY = 255


class Noted:
    """A field of a site that notes when it is read."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __set__(self, site: Watched, value: object) -> None:
        site.__dict__[self.name] = value

    def __get__(self, site: Watched, _: type) -> Any:
        site.read.add(self.name)
        return site.__dict__[self.name]


class Watched(Site):
    """A site that notes which fields of its stage are read; those that agree in them lead to the same decision."""

    read: set[str]
    shared, stage, smoke, verdict = map(Noted, STAGED)

    def __init__(self, *values: Any) -> None:
        self.__dict__["read"] = set()
        super().__init__(*values)


@functools.cache
def alike(number: int, read: frozenset[str]) -> frozenset[int]:
    """The stages that have what one stage has in the fields that were read."""
    places = [place for place, name in enumerate(STAGED) if name in read]
    wanted = [STAGES[number][place] for place in places]
    return frozenset(other for other, stage in enumerate(STAGES) if [stage[place] for place in places] == wanted)


class Held(NamedTuple):
    """One colour's containers, and what a program knows of them."""

    release: str | None
    front: str
    single: str
    known: frozenset[str]
    """``proven front``, ``failed single``."""


class Ground(NamedTuple):
    """The part of a machine that is more than a stage."""

    blue: Held
    green: Held
    edge: tuple[bool, bool, bool]
    """Whether it runs, answers, and fits."""
    running_map: str
    map_file: str


class Way(NamedTuple):
    """How one step comes out wholly: the ground it leads to, and for each stage the one it leads to."""

    ground: int
    stages: tuple[int, ...]


class Broken(Exception):
    """What a step may not do, as a sentence."""


class Unread:
    """Stands for a field of the stage while a step is done; no step may read it."""

    def __eq__(self, other: object) -> bool:
        raise AssertionError("a step of the simulated machine reads a field of the stage")

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        raise AssertionError("a step of the simulated machine reads a field of the stage")


UNREAD: Any = Unread()


def ground_of(host: Machine) -> Ground:
    """A machine without its stage. The map of an edge that does not answer is what it reads when it starts."""
    memory = (("proven", host.memory.proven), ("failed", host.memory.failed))
    held = [
        Held(
            colour.release,
            colour.front,
            colour.single,
            frozenset(f"{word} {group}" for word, keys in memory for group in GROUPS if f"{group} {name}" in keys),
        )
        for name, colour in host.colours.items()
    ]
    edge = (host.edge_runs, host.edge_answers, host.edge_fits)
    return Ground(held[0], held[1], edge, host.running_map if host.edge_answers else host.map_file, host.map_file)


def machine_of(ground: Ground, wanted: str, sick: frozenset[str] = frozenset(), *, handover: bool = True) -> Machine:
    """A machine on a ground, its stage unread."""
    known: dict[str, set[str]] = {
        word: {
            f"{group} {name}"
            for name, held in (("blue", ground.blue), ("green", ground.green))
            for group in GROUPS
            if f"{word} {group}" in held.known
        }
        for word in ("proven", "failed")
    }
    runs, answers, fits = ground.edge
    return Machine(
        wanted,
        {name: Colour(*held[:3]) for name, held in (("blue", ground.blue), ("green", ground.green))},
        edge_runs=runs,
        edge_answers=answers,
        edge_fits=fits,
        running_map=ground.running_map,
        map_file=ground.map_file,
        shared=UNREAD,
        stage=UNREAD,
        memory=Memory(UNREAD, UNREAD, known["proven"], known["failed"]),
        sick=sick,
        handover=handover,
    )


def written(host: Machine) -> tuple[object, ...]:
    """The stage's fields after a step: a value where the step wrote one."""
    shared = host.shared if host.shared is UNREAD else ("healthy" if host.shared else "absent")
    return (shared, host.stage, host.memory.smoke, host.memory.verdict)


def onto(fields: tuple[object, ...]) -> tuple[int, ...]:
    """For each stage the stage that it is once these fields are written."""
    return tuple(
        NUMBERS[tuple(old if new is UNREAD else new for old, new in zip(stage, fields, strict=True))]
        for stage in STAGES
    )


def staged(host: Machine, stage: tuple[object, ...]) -> Site:
    """A machine as it is seen at a stage; what a step wrote of its own stage is lost."""
    shared, host.stage, host.memory.smoke, host.memory.verdict = map(str, stage)
    host.shared = shared == "healthy"
    return host.seen()


def outcomes(step: Step) -> Iterator[tuple[str, frozenset[str], bool]]:
    """How a step may come out: not at all is no change, and needs no look."""
    health = (frozenset[str](), frozenset(SICKNESSES)) if step.name in JUDGED else (frozenset[str](),)
    handover = (True, False) if step.name == "up" else (True,)
    return itertools.product((WHOLLY, PARTLY, LOST), health, handover)


class Graph:
    """All places that can be reached from some grounds, for one goal, and all that is wrong there."""

    def __init__(self, decide: ModuleType, want: Want, starts: Iterable[Ground]) -> None:
        self.decide, self.want = decide, want
        self.grounds = list(dict.fromkeys(starts))
        self.numbers = {ground: number for number, ground in enumerate(self.grounds)}
        self.steps: list[list[tuple[Way, ...]]] = []
        """Of each ground, for each stage: how the next step comes out wholly; none where there is no next step."""
        self.longest = 0
        """Steps of the longest way from a place to its end."""
        self._onto: dict[tuple[object, ...], tuple[int, ...]] = {}

    def wrong(self) -> Iterator[str]:
        """Every fault of a place or of a step from it, then every circle and every way that is too long."""
        for ground in self.grounds:  # grows while it is read
            yield from self._look(ground)
        yield from self._circles()

    def _look(self, ground: Ground) -> Iterator[str]:
        """One ground at every stage: what is wrong at its ends and with its steps."""
        seen = staged(machine_of(ground, self.want.release), BARE)
        fixed = (seen.blue, seen.green, seen.proxy, seen.map_file, seen.edge)
        found: list[tuple[Way, ...]] = [()] * len(STAGES)
        begun: dict[Step, set[int]] = {}
        left = set(range(len(STAGES)))
        while left:
            number = min(left)
            site = Watched(*fixed, *STAGES[number])
            step = self.decide.next_step(self.want, site)
            done = isinstance(step, self.decide.Done)
            wrong = unkept(self.want, step.outcome, site) if done else []
            yield from (f"{text}; {self.want} at {site}" for text in wrong)
            same = alike(number, frozenset(site.read))
            left -= same
            if not done:
                begun.setdefault(step, set()).update(same)
        for step, numbers in begun.items():
            try:
                ways = tuple(self._ways(ground, seen, step, numbers))
            except (AssertionError, AttributeError, KeyError, Broken) as error:
                yield f"{error!r}: {self.want}, {step} from {seen}, stages like {STAGES[min(numbers)]}"
                continue
            for number in numbers:
                found[number] = ways
        self.steps.append(found)

    def _ways(self, ground: Ground, before: Site, step: Step, numbers: Iterable[int]) -> Iterator[Way]:
        """How a step comes out wholly; raises ``Broken`` where it breaks something, however it comes out."""
        broken = overreach(self.want, before, step)
        for how, sick, handover in outcomes(step):
            host = machine_of(ground, self.want.release, sick, handover=handover)
            host.do(step, how)
            fields, led = written(host), ground_of(host)
            after = staged(host, BARE)
            broken += machine.violations(before, step, after)
            if fields not in self._onto:
                self._onto[fields] = onto(fields)
            stages = self._onto[fields]
            for had, has in {(IMAGED[number], IMAGED[stages[number]]) for number in numbers}:
                broken += strayed(self.want, replace(before, stage=had), replace(after, stage=has))
            if broken:
                raise Broken(f"{'; '.join(broken)} ({how})")
            number = self._number(led)
            if how == WHOLLY:
                yield Way(number, stages)

    def _number(self, ground: Ground) -> int:
        if ground not in self.numbers:
            self.numbers[ground] = len(self.grounds)
            self.grounds.append(ground)
        return self.numbers[ground]

    def _circles(self) -> Iterator[str]:
        """Places from which the steps come back to where they were, or go on for longer than a program does."""
        size = len(STAGES)
        longest = bytearray(size * len(self.grounds))  # of the way from a place to its end, and one
        for start in range(len(longest)):
            if longest[start]:
                continue
            path = [start]
            while path:
                place = path[-1]
                if 0 < longest[place] < ON_THE_WAY:
                    path.pop()
                    continue
                number, at = divmod(place, size)
                led = [way.ground * size + way.stages[at] for way in self.steps[number][at]]
                ahead = [longest[one] for one in led]
                if ON_THE_WAY in ahead:
                    yield f"no end: {self.want} from {self.grounds[number]}, {STAGES[at]}"
                    return
                if 0 not in ahead:
                    longest[place] = 1 + max(ahead, default=0)
                    path.pop()
                    continue
                longest[place] = ON_THE_WAY
                path += [one for one, far in zip(led, ahead, strict=True) if not far]
        self.longest = max(longest) - 1
        if self.longest > STEPS:
            yield f"a way of {self.longest} steps: {self.want}"
