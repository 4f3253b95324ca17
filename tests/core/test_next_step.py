"""From every site every goal converges under the invariants, whatever fails and whatever interrupts it."""

from __future__ import annotations

import ast
import inspect
import itertools
import math
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from types import ModuleType

import pytest

from switchyard.core import next_step as machine
from switchyard.core import plan
from switchyard.core import site as site_module
from switchyard.core.next_step import Want
from switchyard.core.site import Site, Slot
from switchyard.core.steps import Step
from tests.harness.every_site import SICKNESSES, STAGES, STEPS, Graph, Ground, ground_of
from tests.harness.promises import overreach, unkept, unkept_since
from tests.harness.simulated import HOW, LOST, NOT, PARTLY, WHOLLY, Machine
from tests.harness.site_values import VALUES

SEED = 20260228
ALL_UP_TO = 200_000
SHARE = 10_000
GROUNDS = 20
EVERY = os.environ.get("SWITCHYARD_SITES") == "all"
"""The bench takes every site, which is more than a test should."""
WANTS = (Want("deploy", "new", "prepare"), Want("deploy", "new"), Want("rollback", "old"), Want("repair", "new"))
EDGE = ("proxy", "map_file", "edge", "hold")
SINGLES = ("none", "handover", "handover", "exclusive", "exclusive")
PROOFS = ("prove", "prove_singletons", "smoke", "look", "seen")
"""Steps whose only effect a killed program forgets."""


def slots() -> list[Slot]:
    """Return every slot. A slot without a release has no container, and one without a container no release."""
    names = ("front", "single", "exclusive")
    held = itertools.product([r for r in VALUES["release"] if r], *(VALUES[name] for name in names))
    found = (Slot(str(release), str(front), str(single), bool(sole)) for release, front, single, sole in held)
    sound = (slot for slot in found if slot.single != "unused" or not slot.exclusive)
    return [Slot(), *(slot for slot in sound if slot.front != "none" or slot.single not in ("none", "unused"))]


def edges() -> list[dict[str, object]]:
    """Return every state of the edge. An edge without a container does not answer."""
    found = (dict(zip(EDGE, values, strict=True)) for values in itertools.product(*(VALUES[name] for name in EDGE)))
    return [values for values in found if values["edge"] != "absent" or values["proxy"] == "down"]


def dimensions() -> list[list[dict[str, object]]]:
    """Return the space as a list of axes. One site is one choice from each."""
    plain = [item.name for item in fields(Site) if item.name not in (*EDGE, "blue", "green")]
    return [
        [{"blue": slot} for slot in slots()],
        [{"green": slot} for slot in slots()],
        edges(),
        *([{name: value} for value in VALUES[name]] for name in plain),
    ]


def sites(share: int, seed: int = SEED) -> Iterator[Site]:
    """Yield every site where they are few, else a seeded share of them."""
    axes = dimensions()
    if math.prod(map(len, axes)) <= ALL_UP_TO:
        chosen: Iterator[tuple[dict[str, object], ...]] = itertools.product(*axes)
    else:
        rng = random.Random(seed)
        chosen = (tuple(rng.choice(axis) for axis in axes) for _ in range(share))
    for parts in chosen:
        yield Site(**{name: value for part in parts for name, value in part.items()})  # type: ignore[arg-type]


@dataclass
class Way:
    """What one goal did from one site."""

    steps: list[Step]
    outcome: str | None
    """None: no end within ``STEPS``."""
    broken: list[str]


def follow(decide: ModuleType, want: Want, host: Machine, rng: random.Random | None = None, faults: int = 4) -> Way:
    """Observe, decide and act until done. With ``rng`` some steps do not end wholly."""
    way = Way([], None, [])
    for _ in range(STEPS):
        before = host.seen()
        step = decide.next_step(want, before)
        if isinstance(step, decide.Done):
            way.outcome = step.outcome
            return way
        how = WHOLLY
        if rng is not None and faults and rng.random() < 0.3:
            how, faults = rng.choice(HOW), faults - 1
        way.broken += overreach(want, before, step)
        host.do(step, how)
        way.steps.append(step)
        way.broken += machine.violations(before, step, host.seen())
        if way.broken:
            way.broken = [f"{text}: {step} ({how}) from {before}" for text in way.broken]
            return way
    return way


def check(decide: ModuleType, share: int, seed: int = SEED) -> Iterator[str]:
    """Yield what is wrong with a ``next_step``, over a share of the sites, every goal, faults and sick releases."""
    rng = random.Random(seed)
    for site in sites(share, seed):
        sick = frozenset(rng.sample(SICKNESSES, rng.choice((0, 0, 1, 2))))
        for want, faulty in itertools.product(WANTS, (False, True)):
            host = Machine.of(site, want.release, sick, singles=rng.choice(SINGLES))
            try:
                way = follow(decide, want, host, rng if faulty else None)
            except (AssertionError, AttributeError, KeyError) as error:
                yield f"{error!r}: {want} from {site}, sick: {sorted(sick)}"
                continue
            faults = way.broken or broken_word(want, way, site, host)
            yield from (f"{text}; {want} from {site}, sick: {sorted(sick)}, {way.steps}" for text in faults)


def broken_word(want: Want, way: Way, start: Site, host: Machine) -> list[str]:
    """Return what an outcome promises and the machine does not keep in the end."""
    if way.outcome is None:
        return [f"no end within {STEPS} steps"]
    return unkept(want, way.outcome, host.seen()) + unkept_since(want, way.outcome, start, host.seen())


def test_every_field_of_a_site_and_of_a_slot_has_declared_values() -> None:
    declared = {item.name for kind in (Site, Slot) for item in fields(kind)} - {"blue", "green"}
    assert declared == set(VALUES)
    assert all(VALUES.values())


def grounds() -> list[Ground]:
    """Return what remains of every site without its stage."""
    held = itertools.product(slots(), slots(), edges())
    return [ground_of(Machine.of(Site(blue, green, **edge), "")) for blue, green, edge in held]  # type: ignore[arg-type]


def test_walks_from_a_share_of_the_sites_converge_under_the_invariants(print_at_end: Callable[[str], None]) -> None:
    print_at_end(f"{SHARE} of {math.prod(map(len, dimensions()))} sites walked from, seed {SEED}")
    wrong = list(itertools.islice(check(machine, SHARE), 5))
    assert not wrong, f"seed {SEED}:\n" + "\n\n".join(wrong)


@pytest.mark.parametrize("want", WANTS, ids=lambda want: f"{want.verb} {want.phase}")
def test_from_every_site_every_goal_converges_under_the_invariants(
    want: Want, print_at_end: Callable[[str], None]
) -> None:
    every = grounds()
    assert len(set(every)) * len(STAGES) == math.prod(map(len, dimensions()))
    graph = Graph(machine, want, every if EVERY else random.Random(SEED).sample(every, GROUNDS))
    wrong = list(itertools.islice(graph.wrong(), 5))
    begun = (len(every) if EVERY else GROUNDS) * len(STAGES)
    print_at_end(
        f"{want.verb}, {want.phase}: {begun} sites and all that is reached from them, {len(graph.grounds)} grounds "
        f"at {len(STAGES)} stages, every step in every way; the longest way has {graph.longest} steps"
    )
    assert not wrong, f"seed {SEED}:\n" + "\n\n".join(wrong)


def test_the_decisions_do_not_read_the_time() -> None:
    """A site has no time, so no decision may ask for it."""
    trees = [ast.parse(inspect.getsource(module)) for module in (machine, site_module)]
    read = {node.attr for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert "live" in read and "now" not in read


def remembering_nothing(site: Site) -> Site:
    """Return the site as a program sees it that has just begun."""
    host = Machine.of(site, "new")
    host.kill()
    return host.seen()


def workable(share: int, seed: int) -> Iterator[tuple[Site, Want]]:
    """Yield sites from which a healthy release can go live, seen by a program that has just begun, with each goal."""
    for site, want in itertools.product(map(remembering_nothing, sites(share, seed)), WANTS):
        is_live = site.live != "none" and site.slot(site.live).release == want.release
        if site.stage in ("built", "ran") and (is_live or want.verb != "repair"):
            yield site, want


def test_from_every_site_a_healthy_release_reaches_its_goal() -> None:
    for site, want in workable(1_200, SEED + 1):
        way = follow(machine, want, Machine.of(site, want.release))
        assert way.outcome in ("live", "prepared") and way.broken == [], (SEED + 1, want, site, way)


def end_of(host: Machine) -> tuple[object, ...]:
    """Return what remains of a site when nobody remembers anything. A singleton that is stopped is like none."""
    colours = [replace(each, single=each.single.replace("stopped", "none")) for each in host.colours.values()]
    return (host.map_file, host.edge_answers and host.running_map, host.holds, host.shared, host.stage, repr(colours))


def without_proofs(want: Want, steps: list[Step]) -> list[Step]:
    """Return the other steps. Also the step of the shared services proves them once more, in a repair."""
    return [step for step in steps if step.name not in PROOFS and (step.name, want.verb) != ("shared", "repair")]


def assert_lets_through_first(steps: list[Step], label: str) -> None:
    """Require that requests which a dead program left waiting wait for nothing but a handover."""
    ends = next(number for number, step in enumerate(steps) if step.name in ("release", "switch"))
    assert all(step.name in machine.WHILE_HELD for step in steps[:ends]), label


@pytest.mark.parametrize("how", [WHOLLY, NOT, LOST])
def test_interrupted_after_any_step_the_new_plan_is_the_rest_of_the_old_one(how: str) -> None:
    for site, want in workable(250, SEED + 2):
        whole = follow(machine, want, first := Machine.of(site, want.release))
        for done in range(len(whole.steps)):
            host = Machine.of(site, want.release)
            for step in whole.steps[:done]:
                host.do(step)
            host.do(whole.steps[done], how)
            waits = host.holds
            rest, expected = follow(machine, want, host), whole.steps[done + (how != NOT) :]
            label = f"seed {SEED + 2}, {want} from {site}, {how} {whole.steps[done]}"
            assert rest.outcome == whole.outcome and end_of(host) == end_of(first), label
            if how == LOST and waits:
                assert_lets_through_first(rest.steps, label)
            elif how == LOST:
                assert without_proofs(want, rest.steps) == without_proofs(want, expected), label
            else:
                assert rest.steps == expected, label


def test_with_any_step_done_partly_the_end_is_the_same() -> None:
    for site, want in workable(400, SEED + 3):
        whole = follow(machine, want, first := Machine.of(site, want.release))
        for done, step in enumerate(whole.steps):
            host = Machine.of(site, want.release)
            for earlier in whole.steps[:done]:
                host.do(earlier)
            host.do(step, PARTLY)
            rest = follow(machine, want, host)
            assert (rest.outcome, end_of(host)) == (whole.outcome, end_of(first)), (SEED + 3, want, site, step)


SERVING = Site(blue=Slot("old", "healthy", "healthy"), proxy="blue", map_file="blue", edge="current", shared="healthy")


@pytest.mark.parametrize("what", ["oneshots", "new front", "smoke"])
def test_what_fails_before_the_switch_leaves_traffic_and_singletons_as_they_were(what: str) -> None:
    host = Machine.of(SERVING, "new", frozenset({what}))
    way = follow(machine, Want("deploy", "new"), host)
    assert (way.outcome, way.broken) == ("failed", [])
    assert host.running_map == "blue" and host.seen().blue == SERVING.blue
    assert not {"switch", "stop_singletons", "start_singletons"} & {step.name for step in way.steps}


@pytest.mark.parametrize("what", ["look", "seen", "new single"])
@pytest.mark.parametrize("old", ["running", "stopped"])
def test_what_fails_after_the_switch_leads_back_to_the_old_release_whole(what: str, old: str) -> None:
    host = Machine.of(SERVING, "new", frozenset({what}))
    while host.running_map == "blue":
        step = machine.next_step(Want("deploy", "new"), host.seen())
        assert isinstance(step, Step)
        host.do(step)
    if old == "stopped":
        host.colours["blue"].front = "stopped"
    way = follow(machine, Want("deploy", "new"), host)
    assert (way.outcome, way.broken, host.running_map) == ("taken back", [], "blue")
    assert host.seen().blue == SERVING.blue and not host.seen().green.runs_singletons
    assert host.colours["green"].front == "stopped"


def test_where_the_old_release_does_not_come_up_either_nothing_is_live() -> None:
    site = replace(SERVING, blue=Slot("new", "healthy", "unused"), green=Slot("old", "stopped", "unused"), stage="ran")
    host = Machine.of(site, "new", frozenset({"look", "old front"}))
    way = follow(machine, Want("deploy", "new"), host)
    assert (way.outcome, way.broken, host.running_map) == ("taken back", [], "none")
    assert host.colours["blue"].front == "stopped"


EXCLUSIVE = replace(SERVING, blue=Slot("old", "healthy", "healthy", exclusive=True))


def names_of(steps: list[Step]) -> list[str]:
    return [str(step) for step in steps]


def test_an_exclusive_service_moves_under_a_hold_once_all_else_is_proven_and_traffic_follows() -> None:
    host = Machine.of(EXCLUSIVE, "new", singles="exclusive")
    way = follow(machine, Want("deploy", "new"), host)
    assert (way.outcome, way.broken, host.holds) == ("live", [], False)
    assert names_of(way.steps)[-10:] == [
        "prove green",
        "smoke green",
        "hold blue",
        "stop_singletons blue",
        "start_singletons green",
        "prove_singletons green",
        "switch green",
        "prove_singletons green",
        "look",
        "seen",
    ]


def test_a_rollback_moves_an_exclusive_service_the_same_way() -> None:
    for front in ("healthy", "stopped"):
        old = Slot("new", front, "stopped", exclusive=True)
        host = Machine.of(replace(EXCLUSIVE, green=old, stage="ran"), "new")
        way = follow(machine, Want("rollback", "new"), host)
        assert (way.outcome, way.broken, host.holds, host.running_map) == ("live", [], False, "green")
        assert {"hold", "release"} & {step.name for step in way.steps} == {"hold"}


def test_where_the_new_exclusive_service_fails_the_old_one_runs_again_before_requests_go_on() -> None:
    host = Machine.of(EXCLUSIVE, "new", frozenset({"new single"}), singles="exclusive")
    way = follow(machine, Want("deploy", "new"), host)
    assert (way.outcome, way.broken, host.holds, host.running_map) == ("taken back", [], False, "blue")
    assert host.seen().blue == EXCLUSIVE.blue and host.colours["green"].front == "stopped"
    assert names_of(way.steps)[-7:] == [
        "start_singletons green",
        "prove_singletons green",
        "stop_singletons green",
        "start_singletons blue",
        "prove_singletons blue",
        "release",
        "cancel green",
    ]


@pytest.mark.parametrize("what", ["look", "seen"])
def test_what_fails_once_it_is_live_moves_its_exclusive_service_back_under_a_hold(what: str) -> None:
    host = Machine.of(EXCLUSIVE, "new", frozenset({what}), singles="exclusive")
    way = follow(machine, Want("deploy", "new"), host)
    assert (way.outcome, way.broken, host.holds, host.running_map) == ("taken back", [], False, "blue")
    assert [str(step) for step in way.steps if step.name == "hold"] == ["hold blue", "hold green"]
    assert host.seen().blue == EXCLUSIVE.blue


def test_a_first_release_with_an_exclusive_service_holds_nothing() -> None:
    host = Machine.of(Site(), "new", singles="exclusive")
    way = follow(machine, Want("deploy", "new"), host)
    assert (way.outcome, way.broken) == ("live", [])
    assert not {"hold", "release"} & {step.name for step in way.steps}


@pytest.mark.parametrize("verb", ["deploy", "rollback"])
def test_the_next_verb_ends_the_hold_of_a_dead_program_before_anything_else(verb: str) -> None:
    """However far that program came, the live release serves again first."""
    whole = follow(machine, Want("deploy", "new"), Machine.of(EXCLUSIVE, "new", singles="exclusive")).steps
    begins = [step.name for step in whole].index("hold")
    for done in range(begins, begins + 4):
        host = Machine.of(EXCLUSIVE, "new", singles="exclusive")
        for step in whole[: done + 1]:
            host.do(step)
        host.kill()
        host.wanted, host.stage = "newer", "received" if verb == "deploy" else "ran"
        way = follow(machine, Want(verb, "newer"), host)
        ends = [step.name for step in way.steps].index("release")
        assert all(step.name in machine.WHILE_HELD for step in way.steps[:ends]), names_of(way.steps)
        assert (way.outcome, way.broken, host.holds) == ("live", [], False)


FIRST_FAILURES = {
    "oneshots": "failed",
    "new front": "failed",
    "smoke": "failed",
    "look": "taken back",
    "seen": "taken back",
    "new single": "taken back",
}


@pytest.mark.parametrize("what", FIRST_FAILURES)
def test_a_first_release_that_fails_leaves_nothing_live(what: str) -> None:
    host = Machine.of(Site(), "new", frozenset({what}))
    way = follow(machine, Want("deploy", "new"), host)
    assert (way.outcome, way.broken) == (FIRST_FAILURES[what], [])
    assert host.map_file == host.running_map == "none"
    assert not any(colour.single == "running" for colour in host.colours.values())
    if way.outcome == "taken back":
        assert host.colours["blue"].front == "stopped"


def test_a_release_that_stays_sick_is_taken_back_however_often_the_program_is_killed() -> None:
    rng = random.Random(SEED + 4)
    for number in range(600):
        what = ("look", "seen", "new single")[number % 3]
        host = Machine.of(SERVING, "new", frozenset({what}))
        way = follow(machine, Want("deploy", "new"), host, rng, faults=2)
        assert (way.outcome, way.broken, host.running_map) == ("taken back", [], "blue"), (SEED + 4, number, way)
        assert host.colours["blue"].front == host.colours["blue"].single == "running"


def test_a_rollback_never_goes_back_by_itself() -> None:
    site = replace(SERVING, green=Slot("new", "healthy", "stopped"), stage="ran")
    host = Machine.of(site, "new", frozenset({"look"}))
    way = follow(machine, Want("rollback", "new"), host)
    assert (way.outcome, way.broken, host.running_map) == ("held", [], "green")


@pytest.mark.parametrize("site", [Site(), SERVING], ids=["bare", "serving"])
@pytest.mark.parametrize("singles", ["none", "handover", "exclusive"])
def test_the_printed_plan_is_what_a_machine_then_does(site: Site, singles: str) -> None:
    want = Want("deploy", "new")
    done = follow(machine, want, Machine.of(site, "new", singles=singles))
    assert plan.plan(want, site, singles=singles != "none", exclusive=singles == "exclusive") == done.steps
