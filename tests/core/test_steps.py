"""The table of steps: complete, readable, and the same on both sides."""

from __future__ import annotations

import typing

import pytest

from switchyard.core.site import Site, Slot
from switchyard.core.steps import STEP_NAMES, STEPS, Assumed, Step, StepName

COLOURED = ("retire", "up", "prove", "cancel", "standby", "stop_singletons", "start_singletons", "prove_singletons")


def test_the_type_of_a_step_name_lists_exactly_the_steps_of_the_table() -> None:
    assert typing.get_args(StepName) == STEP_NAMES == tuple(STEPS)


@pytest.mark.parametrize("name", STEPS)
def test_every_step_has_a_phrase_of_its_own(name: StepName) -> None:
    assert STEPS[name].phrase and [kind.phrase for kind in STEPS.values()].count(STEPS[name].phrase) == 1


@pytest.mark.parametrize("name", STEPS)
def test_a_plan_can_go_on_after_every_step(name: StepName) -> None:
    colour = "green" if name in COLOURED or name == "switch" else None
    site = Site(blue=Slot("old", "healthy", "healthy"), green=Slot("new", "starting", "none"))
    after = STEPS[name].effect(site, Step(name, colour), Assumed("new", "none"))
    assert after.blue == site.blue, "no step of the idle colour changes the live one"


def test_a_step_prints_itself_with_its_colour() -> None:
    assert (str(Step("build")), str(Step("up", "green"))) == ("build", "up green")
