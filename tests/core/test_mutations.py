"""Every guard of ``next_step`` is needed: without it, the check of every site finds what goes wrong."""

from __future__ import annotations

import random
import types
from pathlib import Path

import pytest

from switchyard.core import next_step as machine
from tests.core.test_next_step import GROUNDS, WANTS, check, grounds
from tests.harness.every_site import Graph

SHARE = 4_000
SEED = 20260301

MUTATIONS = {
    "an edge that is down is left down": ('if site.edge != "absent" and site.proxy == "down":', "if False:"),
    "a switch that was cut off is left so": ('if site.proxy not in ("down", site.map_file):', "if False:"),
    "a switch that was cut off is finished unproven": (
        "target = site.map_file if _may_serve(site, site.map_file) else site.proxy",
        "target = site.map_file",
    ),
    "a known bad release stays live": (
        'bad = site.verdict == "wrong" or "failed" in (site.slot(live).front, site.slot(live).single)',
        "bad = False",
    ),
    "a rollback goes back again": ('if bad and want.verb == "deploy":', "if bad:"),
    "nobody looks": ('if site.verdict == "unknown":', "if False:"),
    "nobody asks what the operator saw": ('if site.verdict == "looked":', "if False:"),
    "the other colour's singletons are not stopped": ("if site.slot(other(home)).runs_singletons:", "if False:"),
    "singletons are not started": ("if site.slot(home).lacks_singletons:", "if False:"),
    "singletons are not proven": ('if site.slot(home).single == "running":', "if False:"),
    "the way back leads to the bad release": (
        "if slot.release in (None, site.slot(live).release) or",
        "if slot.release is None or",
    ),
    "the way back leads to what failed": (
        'slot.front in ("none", "failed"):\n        return Step("switch", NOTHING)',
        'slot.front == "none":\n        return Step("switch", NOTHING)',
    ),
    "the way back leads to what does not run": (
        '    if slot.front == "stopped":\n        return Step("up", back)\n',
        "",
    ),
    "the way back leads to what is not proven": (
        '    if slot.front == "starting":\n        return Step("prove", back)\n',
        "",
    ),
    "a bad release keeps its singletons": (
        "if home is not None and site.slot(home).runs_singletons:",
        "if False:",
    ),
    "an empty colour gets singletons": ("site.slot(site.live).release is None or ", ""),
    "a bad release keeps running": (
        'if home is not None and site.slot(home).front in ("starting", "healthy"):',
        "if False:",
    ),
    "a cancelled release is cancelled again": (
        'site.slot(home).front in ("starting", "healthy"):',
        'site.slot(home).front in ("starting", "healthy", "failed"):',
    ),
    "the idle colour keeps another release": ("if slot.release not in (None, want.release):", "if False:"),
    "a failed release goes on": ('if slot.front == "failed" or (', "if ("),
    "a failed smoke goes on": ('(want.verb == "deploy" and site.smoke == "failed")', "False"),
    "what does not run is not brought up": ('if slot.front in ("none", "stopped"):', "if False:"),
    "what runs is not proven": ('    if slot.front == "starting":\n        return Step("prove", idle)\n', ""),
    "the smoke is left out": ('if want.verb == "deploy" and site.smoke == "unknown":', "if False:"),
    "prepare switches": ('return Done("prepared") if want.phase == "prepare" else _move', "return _move"),
    "a rollback needs no images": ('if site.stage in ("absent", "received"):', "if False:"),
    "a broken oneshot goes on": ('elif site.stage == "broken":', "elif False:"),
    "shared services are left out": (
        'if site.shared == "absent":\n        return Step("shared")\n    if site.edge',
        "if site.edge",
    ),
    "what is missing of the live release is not started": (
        'if slot.lacks_front:\n        return Step("up", live)',
        "if False:\n        return None",
    ),
    "what runs of the live release is not proven": (
        'if slot.front == "starting":\n        return Step("prove", live)',
        "if False:\n        return None",
    ),
    "shared services that are down stay down beside the live release": (
        'if site.shared == "absent":\n        return Step("shared")\n    if slot.lacks_front',
        "if slot.lacks_front",
    ),
    "a repair takes shared services for healthy": (
        'if want.verb == "repair" and site.shared == "running":',
        "if False:",
    ),
    "shared services that failed are passed over": ('if bad or site.shared == "failed":', "if bad:"),
    "a repair brings a release up": (
        'if want.verb == "repair":\n        return Done("held")',
        "if False:\n        pass",
    ),
    "exclusive services stop while requests reach them": (
        'if site.hold == "off" and site.live != NOTHING:',
        "if False:",
    ),
    "traffic goes before the exclusive services": (
        '        if handover is not None:\n            return handover\n    return Step("switch", colour)',
        '    return Step("switch", colour)',
    ),
    "requests wait for ever": ('step if site.hold == "off" or is_handover else _let_through(site)', "step"),
    "requests go on while nothing runs": (
        'return _singletons_of_live(site) or Step("release")',
        'return Step("release")',
    ),
    "a handover under way is taken for one that was lost": (
        'site.slot(site.idle).runs_singletons or site.hold == "on":',
        "site.slot(site.idle).runs_singletons:",
    ),
    "a switch that was cut off is finished without its exclusive services": (
        "return colour != NOTHING and site.slot(colour).is_proven",
        'return colour != NOTHING and site.slot(colour).front == "healthy"',
    ),
    "the edge is left as it is": ('if site.edge != "current":', "if False:"),
    "oneshots are left out": ('if want.verb == "deploy" and site.stage == "built":', "if False:"),
}


def mutant(guard: str, instead: str) -> types.ModuleType:
    """Return ``next_step`` without one guard, whose text must stand in the source exactly once."""
    source = Path(machine.__file__).read_text()
    assert source.count(guard) == 1, f"{source.count(guard)} times in the source: {guard}"
    made = types.ModuleType(machine.__name__)  # the name that dataclass looks up, never registered
    exec(compile(source.replace(guard, instead), "mutant", "exec"), made.__dict__)
    return made


@pytest.mark.parametrize("name", MUTATIONS)
def test_without_one_guard_the_check_fails(name: str) -> None:
    assert next(check(mutant(*MUTATIONS[name]), SHARE, SEED), None) is not None, f"seed {SEED}: nothing found"


@pytest.mark.parametrize(
    "name",
    ["the other colour's singletons are not stopped", "nobody looks", "a cancelled release is cancelled again"],
    ids=["an invariant", "a promise", "a circle"],
)
def test_without_one_guard_taking_every_site_fails(name: str) -> None:
    decide, starts = mutant(*MUTATIONS[name]), random.Random(SEED).sample(grounds(), GROUNDS)
    assert any(next(Graph(decide, want, starts).wrong(), None) is not None for want in WANTS)


def test_the_check_passes_the_machine_as_it_is() -> None:
    assert next(check(machine, SHARE // 4, SEED), None) is None


def test_a_mutation_whose_text_is_gone_is_an_error() -> None:
    with pytest.raises(AssertionError, match="0 times in the source"):
        mutant("if the moon is full:", "if False:")
