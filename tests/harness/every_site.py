"""Check every site at once: step by step, instead of run by run.

A run is a chain of steps. What a step does depends on the site that it starts from, never on how the run got there. So
it is enough to take each place once, let its one next step end in every way (wholly, partly, or done and the program
killed; healthy or sick; with singletons or without), and check that

- the step breaks no invariant and does nothing that its goal must not do,
- it leads to a place of the same set, which is why any number of faults, at any step, is covered,
- a place without a next step keeps what its outcome promises; each step, and so every chain of steps, keeps what
  depends on where a run began (``strayed``),
- the steps that end wholly form no circle: from every place, also after the last fault, every goal ends.

Stages that agree in everything that a decision reads are decided together.

This covers more than a walk from every site with some faults, and it checks each place once instead of once for every
walk that passes it. A place is a ground (colours and edge, with what a program knows of them) and a stage (the fields
of ``STAGED``).
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
from switchyard.core.site import Site
from switchyard.core.steps import Step
from tests.harness.promises import overreach, strayed, unkept
from tests.harness.simulated import LOST, PARTLY, WHOLLY, Colour, Machine, Memory
from tests.harness.site_values import VALUES

STEPS = 60
"""More steps than any way needs, and no more than a program takes."""
STAGED = ("shared", "stage", "smoke", "verdict")
STAGES = list(itertools.product(*(VALUES[name] for name in STAGED)))
NUMBERS = {stage: number for number, stage in enumerate(STAGES)}
BARE = STAGES[0]
FORGOTTEN = "forgotten"
"""Of the shared services: a proof or a failure that a killed program knew. What runs then runs, not proven."""
IMAGED = ["absent" if stage[1] in ("absent", "received") else "built" for stage in STAGES]
"""What ``strayed`` needs to know of each stage: whether there are images."""
SICKNESSES = ("oneshots", "smoke", "look", "seen", "shared", "new front", "new single", "old front", "old single")
JUDGED = ("shared", "oneshots", "smoke", "look", "seen", "prove", "prove_singletons")
"""Steps that a sickness makes fail."""
GROUPS = ("front", "single")
ON_THE_WAY = 255


class Noted:
    """A field of a site that records when it is read."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __set__(self, site: Watched, value: object) -> None:
        site.__dict__[self.name] = value

    def __get__(self, site: Watched, _: type) -> Any:
        site.read.add(self.name)
        return site.__dict__[self.name]


class Watched(Site):
    """A site that records which fields of its stage are read. Stages that agree in them lead to the same decision."""

    read: set[str]
    shared, stage, smoke, verdict = map(Noted, STAGED)

    def __init__(self, *values: Any) -> None:
        self.__dict__["read"] = set()
        super().__init__(*values)


@functools.cache
def alike(number: int, read: frozenset[str]) -> frozenset[int]:
    """Return the stages that agree with one stage in the fields that were read."""
    places = [place for place, name in enumerate(STAGED) if name in read]
    fields_of_stage = [STAGES[number][place] for place in places]
    return frozenset(
        other for other, stage in enumerate(STAGES) if [stage[place] for place in places] == fields_of_stage
    )


class HeldColour(NamedTuple):
    """One colour's containers, and what a program knows of them."""

    release: str | None
    front: str
    single: str
    exclusive: bool
    known: frozenset[str]
    """``proven front``, ``failed single``."""


class Ground(NamedTuple):
    """The part of a machine that is more than a stage."""

    blue: HeldColour
    green: HeldColour
    edge: tuple[bool, bool, bool, bool]
    """Whether it runs, answers, fits, and holds requests."""
    running_map: str
    map_file: str


class Way(NamedTuple):
    """How one step ends wholly: the ground that it leads to, and the stage that each stage leads to."""

    ground: int
    stages: tuple[int, ...]


class Broken(Exception):
    """What a step must not do, as a sentence."""


class Unread:
    """The value of a stage's field while a step runs: no step may read it."""

    def __eq__(self, other: object) -> bool:
        raise AssertionError("a step of the simulated machine reads a field of the stage")

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        raise AssertionError("a step of the simulated machine reads a field of the stage")


UNREAD: Any = Unread()


def ground_of(host: Machine) -> Ground:
    """Return a machine without its stage. An edge that does not answer has the map that it reads when it starts."""
    memory = (("proven", host.memory.proven), ("failed", host.memory.failed))
    colours = [
        HeldColour(
            colour.release,
            colour.front,
            colour.single,
            colour.exclusive,
            frozenset(f"{word} {group}" for word, keys in memory for group in GROUPS if f"{group} {name}" in keys),
        )
        for name, colour in host.colours.items()
    ]
    edge = (host.edge_runs, host.edge_answers, host.edge_fits, host.holds)
    return Ground(colours[0], colours[1], edge, host.running_map if host.edge_answers else host.map_file, host.map_file)


def machine_of(
    ground: Ground, release: str, sick: frozenset[str] = frozenset(), *, singles: str = "handover"
) -> Machine:
    """Return a machine on a ground. Nothing may read its stage."""
    known: dict[str, set[str]] = {
        word: {
            f"{group} {name}"
            for name, colour in (("blue", ground.blue), ("green", ground.green))
            for group in GROUPS
            if f"{word} {group}" in colour.known
        }
        for word in ("proven", "failed")
    }
    runs, answers, fits, holds = ground.edge
    return Machine(
        release,
        {name: Colour(*colour[:4]) for name, colour in (("blue", ground.blue), ("green", ground.green))},
        edge_runs=runs,
        edge_answers=answers,
        edge_fits=fits,
        running_map=ground.running_map,
        map_file=ground.map_file,
        holds=holds,
        shared=UNREAD,
        stage=UNREAD,
        memory=Memory(UNREAD, UNREAD, known["proven"], known["failed"], shared=UNREAD),
        sick=sick,
        singles=singles,
    )


def written_fields(host: Machine) -> tuple[object, ...]:
    """Return the stage's fields after a step: a value where the step wrote one."""
    return (_written_shared(host), host.stage, host.memory.smoke, host.memory.verdict)


def _written_shared(host: Machine) -> object:
    known: object = host.memory.shared
    if host.shared is UNREAD:
        return UNREAD if known is UNREAD else FORGOTTEN
    return known if host.shared else "absent"


def onto(fields: tuple[object, ...]) -> tuple[int, ...]:
    """Return, for each stage, the stage that these fields make of it."""

    def after(old: object, new: object) -> object:
        if new is UNREAD:
            return old
        return new if new is not FORGOTTEN else ("absent" if old == "absent" else "running")

    return tuple(NUMBERS[tuple(map(after, stage, fields))] for stage in STAGES)


def staged(host: Machine, stage: tuple[object, ...]) -> Site:
    """Return a machine as an observer sees it at a stage. What a step wrote into its own stage is lost."""
    shared, host.stage, host.memory.smoke, host.memory.verdict = map(str, stage)
    host.shared = shared != "absent"
    host.memory.shared = shared if host.shared else "running"
    return host.seen()


def outcomes(step: Step) -> Iterator[tuple[str, frozenset[str], str]]:
    """Yield how a step may end. A step that does nothing changes nothing, so it needs no check."""
    health = (frozenset[str](), frozenset(SICKNESSES)) if step.name in JUDGED else (frozenset[str](),)
    singles = ("none", "handover", "exclusive") if step.name == "up" else ("handover",)
    return itertools.product((WHOLLY, PARTLY, LOST), health, singles)


class Graph:
    """Every place that one goal reaches from some grounds, and everything that is wrong there."""

    def __init__(self, decide: ModuleType, want: Want, starts: Iterable[Ground]) -> None:
        self.decide, self.want = decide, want
        self.grounds = list(dict.fromkeys(starts))
        self.numbers = {ground: number for number, ground in enumerate(self.grounds)}
        self.steps: list[list[tuple[Way, ...]]] = []
        """For each ground and stage, how the next step ends wholly; nothing where there is no next step."""
        self.longest = 0
        """Steps of the longest way from a place to its end."""
        self._onto: dict[tuple[object, ...], tuple[int, ...]] = {}

    def wrong(self) -> Iterator[str]:
        """Yield every fault of a place or of a step from it, then every circle and every way that is too long."""
        for ground in self.grounds:  # grows while it is read
            yield from self._look(ground)
        yield from self._circles()

    def _look(self, ground: Ground) -> Iterator[str]:
        """Check one ground at every stage: yield what is wrong at its ends and with its steps."""
        seen = staged(machine_of(ground, self.want.release), BARE)
        fixed = (seen.blue, seen.green, seen.proxy, seen.map_file, seen.edge, seen.hold)
        ways_of_stages: list[tuple[Way, ...]] = [()] * len(STAGES)
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
                ways_of_stages[number] = ways
        self.steps.append(ways_of_stages)

    def _ways(self, ground: Ground, before: Site, step: Step, numbers: Iterable[int]) -> Iterator[Way]:
        """Yield how a step ends wholly. Raise ``Broken`` where it breaks something, however it ends."""
        broken = overreach(self.want, before, step)
        for how, sick, singles in outcomes(step):
            host = machine_of(ground, self.want.release, sick, singles=singles)
            host.do(step, how)
            fields, led = written_fields(host), ground_of(host)
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
        """Yield places whose steps lead back to them, or go on for longer than a program does."""
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
