"""A printed plan: the steps of a deploy, with those left out that the release does not need."""

from __future__ import annotations

from switchyard.core.next_step import Want
from switchyard.core.plan import plan, walk
from switchyard.core.site import Site

FIRST = [
    "receive",
    "build",
    "shared",
    "edge",
    "oneshots",
    "up blue",
    "prove blue",
    "smoke blue",
    "switch blue",
    "start_singletons blue",
    "prove_singletons blue",
    "look",
    "seen",
]


def test_a_first_deploy_takes_every_step_once() -> None:
    assert [str(step) for step in plan(Want("deploy", "new"), Site(), singles=True)] == FIRST


def test_a_release_without_singletons_and_oneshots_leaves_their_steps_out() -> None:
    steps = [str(step) for step in plan(Want("deploy", "new"), Site(), singles=False, oneshots=False)]
    assert steps == [step for step in FIRST if step != "oneshots" and "singletons" not in step]


def test_each_step_comes_with_the_site_that_it_starts_from() -> None:
    sites = {step.name: site for step, site in walk(Want("deploy", "new"), Site(), singles=True)}
    assert sites["receive"] == Site() and sites["prove"].blue.front == "starting"
    assert (sites["switch"].live, sites["look"].live) == ("none", "blue")
