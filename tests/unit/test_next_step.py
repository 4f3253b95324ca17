"""From every site every goal converges under the invariants, whatever interrupts it; each guard is needed."""

from __future__ import annotations

import itertools
import random
import types
from dataclasses import fields, replace
from pathlib import Path

import pytest

from switchyard.core import next_step as machine
from switchyard.core import plan
from switchyard.core.next_step import Done, Want
from switchyard.core.site import VALUES, Site, Slot

from .simulated_host import Host

SEED = 20260131
SHARE = 12_000
LIMIT = 60
WANTS = [Want("deploy", "new", "prepare"), Want("deploy", "new"), Want("rollback", "new")]
SICK = [frozenset(), *(frozenset({what}) for what in ("oneshots", "front", "smoke", "single", "look", "seen"))]


def slots() -> list[Slot]:
    held = itertools.product([r for r in VALUES["release"] if r], VALUES["front"], VALUES["single"])
    return [Slot(), *(Slot(*values) for values in held if values[1] != "none" or values[2] not in ("none", "unused"))]


def dimensions() -> dict[str, list[object]]:
    names = [item.name for item in fields(Site) if item.name not in ("blue", "green", "now")]
    return {"blue": list(slots()), "green": list(slots()), **{name: list(VALUES[name]) for name in names}}


def possible(site: Site) -> bool:
    """Leaves out what no machine can be: an answer without an edge, one release in both colours, two singletons."""
    if site.blue.release is not None and site.blue.release == site.green.release:
        return False
    if site.edge == "absent" and site.proxy != "down":
        return False
    return not (site.blue.runs_singletons and site.green.runs_singletons)


def sample(count: int, seed: int = SEED) -> list[Site]:
    rng, space, found = random.Random(seed), dimensions(), []
    while len(found) < count:
        site = Site(**{name: rng.choice(values) for name, values in space.items()})
        if possible(site):
            found.append(site)
    return found


def converge(module, want: Want, host: Host, rng: random.Random | None) -> tuple[str, list[str]]:
    """Steps until done, some of them interrupted where ``rng`` says so. The outcome, and the invariants broken."""
    broken: list[str] = []
    interruptions = 4 if rng else 0
    for _ in range(LIMIT):
        before = host.seen()
        step = module.next_step(want, before)
        if isinstance(step, module.Done):
            return step.outcome, broken
        agreed = before.proxy in ("down", before.map_file)
        if want.phase == "prepare" and step.name == "switch" and agreed and _goes_to(before, step, want):
            broken.append(f"{before} -> {step} in the phase that prepares")
        how = "wholly"
        if rng and interruptions and rng.random() < 0.3:
            how, interruptions = rng.choice(["partly", "not", "lost"]), interruptions - 1
        host.do(step, want.release, how)
        broken += [f"{before} -> {step} ({how}): {text}" for text in machine.violations(before, step, host.seen())]
    return f"no end within {LIMIT} steps, last {step} from {before}", broken


def _goes_to(site: Site, step: machine.Step, want: Want) -> bool:
    return step.colour in ("blue", "green") and site.slot(step.colour).release == want.release


def check(module, sites: list[Site]) -> list[str]:
    """All that is wrong with a next_step, over these sites, every goal, and every kind of failure."""
    rng, wrong = random.Random(SEED), []
    for number, site in enumerate(sites):
        for want in WANTS:
            sick = SICK[number % len(SICK)]
            for source in (None, rng):
                host = Host.from_site(site, sick)
                outcome, broken = converge(module, want, host, source)
                end = host.seen()
                wrong += broken
                wrong += [f"{want} from {site} ({set(sick)}): {text}" for text in promises(want, outcome, end, site)]
    return wrong


def promises(want: Want, outcome: str, end: Site, start: Site) -> list[str]:
    """What an outcome says about the site it ends in."""
    holds = {
        "live": end.live != "none"
        and end.slot(end.live).release == want.release
        and end.verdict in ("ok", "unverified")
        and end.slot(end.live).single in ("healthy", "unused"),
        "prepared": want.phase == "prepare"
        and end.smoke == "ok"
        and end.slot(end.holder(want.release) or "").front == "healthy",
        "taken back": end.live == "none" or end.slot(end.live).release != want.release,
        "failed": end.live == "none" or end.slot(end.live).release != want.release,
        "held": want.verb == "rollback",
        "missing": want.verb == "rollback" and end.stage in ("absent", "received"),
    }
    if outcome.startswith("no end"):
        return [outcome]
    wrong = [] if holds[outcome] else [f"{outcome} is not so: {end}"]
    pointed = {start.live, start.map_file} - {"none"}
    was_live = any(start.slot(colour).release == want.release for colour in pointed)
    if outcome == "live" and end.proxy == "down":
        wrong.append(f"live, and the edge does not run: {end}")
    if outcome == "prepared" and end.stage != "ran":
        wrong.append(f"prepared, and its oneshots did not run: {end}")
    if outcome == "live" and want.verb == "rollback" and not was_live and end.stage in ("absent", "received"):
        wrong.append(f"rolled back to a release without images: {end}")
    if end.proxy not in ("down", end.map_file):
        wrong.append(f"the map file and the proxy still disagree: {end}")
    return wrong


def test_every_field_of_a_site_has_declared_values():
    declared = {item.name for cls in (Site, Slot) for item in fields(cls)} - {"blue", "green"}
    assert declared == set(VALUES)


def test_from_every_site_every_goal_converges_under_the_invariants(capsys):
    space = dimensions()
    count = 1
    for values in space.values():
        count *= len(values)
    sites = sample(SHARE)
    with capsys.disabled():
        print(f"\n{count} sites; {SHARE} of them with seed {SEED}")
    wrong = check(machine, sites)
    assert not wrong, f"seed {SEED}, {len(wrong)} in all:\n" + "\n".join(wrong[:5])


def test_an_interrupted_plan_goes_on_with_its_rest():
    for site in sample(2_000, SEED + 1):
        host, want, steps = Host.from_site(site), Want("deploy", "new"), []
        for _ in range(LIMIT):
            step = machine.next_step(want, host.seen())
            if isinstance(step, Done):
                break
            steps.append(step)
            rest = rest_of_plan(want, host.seen())
            host.do(step, "new", "wholly")
            assert rest_of_plan(want, host.seen()) == rest[1:], (site, step)


def rest_of_plan(want: Want, site: Site) -> list[object]:
    host, steps = Host.from_site(site), []
    for _ in range(LIMIT):
        step = machine.next_step(want, host.seen())
        if isinstance(step, Done):
            return steps
        steps.append(step)
        host.do(step, want.release, "wholly")
    raise AssertionError(f"no end from {site}")


def test_the_printed_plan_is_what_a_host_then_does():
    first = Site()
    later = replace(
        first, blue=Slot("old", "healthy", "healthy"), proxy="blue", map_file="blue", edge="current", shared="healthy"
    )
    for site in (first, later):
        assert plan.plan(Want("deploy", "new"), site, singles=True) == rest_of_plan(Want("deploy", "new"), site)


def test_a_first_release_that_fails_its_look_leaves_nothing_live():
    host = Host(sick=frozenset({"look"}))
    outcome, broken = converge(machine, Want("deploy", "new"), host, None)
    assert (outcome, broken, host.seen().live) == ("taken back", [], "none")
    assert host.colours["blue"].single == "stopped"


@pytest.mark.parametrize("what", ["look", "seen", "single"])
def test_a_release_that_turns_bad_after_the_switch_is_taken_back_whole(what):
    site = Site(blue=Slot("old", "healthy", "healthy"), proxy="blue", map_file="blue", edge="current", shared="healthy")
    host = Host.from_site(site, frozenset({what}))
    outcome, broken = converge(machine, Want("deploy", "new"), host, None)
    assert (outcome, broken, host.proxy) == ("taken back", [], "blue")
    assert (host.colours["blue"].single, host.colours["green"].single) == ("healthy", "stopped")


MUTATIONS = [
    ("a proxy that disagrees with the map file is left so", 'site.proxy not in ("down", site.map_file)', "False"),
    (
        "an unfinished switch is finished unproven",
        "site.map_file if _may_serve(site, site.map_file) else site.proxy",
        "site.map_file",
    ),
    ("a dead edge is left dead", 'site.edge != "absent" and site.proxy == "down"', "False"),
    ("old singletons are not stopped first", "if site.slot(other(home)).runs_singletons:", "if False:"),
    ("new singletons are not proven", 'if site.slot(home).single == "running":', "if False:"),
    ("new singletons are not started", 'if site.slot(home).single in ("none", "stopped"):', "if False:"),
    ("the idle colour is not proven", '    if slot.front == "starting":\n        return Step("prove", idle)\n', ""),
    ("the smoke is left out", 'if want.verb == "deploy" and site.smoke == "unknown":', "if False:"),
    ("a failed smoke is ignored", '(want.verb == "deploy" and site.smoke == "failed")', "False"),
    ("the idle slot is not retired", "if slot.release not in (None, want.release):", "if False:"),
    (
        "the phase is ignored",
        'return Done("prepared") if want.phase == "prepare" else Step("switch", idle)',
        'return Step("switch", idle)',
    ),
    ("nobody looks", 'if site.verdict == "unknown":', "if False:"),
    (
        "a wrong verdict is ignored",
        'bad = site.verdict == "wrong" or site.slot(live).single == "failed"',
        "bad = False",
    ),
    (
        "a failed oneshot is ignored",
        'elif site.stage == "broken":\n        return Done("failed")\n',
        "elif False:\n        pass\n",
    ),
    ("a rollback builds", 'if site.stage in ("absent", "received"):\n            return Done("missing")', "pass"),
    (
        "the way back goes to an unproven colour",
        'if slot.front == "starting":\n        return Step("prove", back)\n',
        "",
    ),
]


@pytest.mark.parametrize("name,guard,instead", MUTATIONS, ids=[name for name, _, _ in MUTATIONS])
def test_without_this_guard_the_check_fails(name, guard, instead):
    source = Path(machine.__file__).read_text()
    assert guard in source, "the guard is not in the source any more"
    mutant = types.ModuleType("mutant")
    mutant.__dict__["__name__"] = "switchyard.core.next_step"
    exec(compile(source.replace(guard, instead), "mutant", "exec"), mutant.__dict__)
    assert check_safely(mutant), "the check did not notice"


def check_safely(mutant) -> list[str]:
    try:
        return check(mutant, sample(2_500, SEED + 2))
    except (KeyError, AttributeError, AssertionError) as error:
        return [repr(error)]
