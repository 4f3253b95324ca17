"""The table of service kinds: every kind has a name of its own and traits that do not contradict each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from switchyard.core.kinds import KINDS, NAMES, Kind, ServiceKind, is_in_shared_project, kind_named

README = Path(__file__).parents[2] / "README.md"
TRAITS = {
    "routed": {"behind_edge", "side_by_side", "stays_up_in_colour", "may_publish"},
    "plain": {"side_by_side", "stays_up_in_colour"},
    "exclusive": {"behind_edge", "at_most_one", "is_held", "stays_up_in_colour", "may_publish"},
    "handover": {"at_most_one", "stays_up_in_colour"},
    "shared": {"own_project", "may_publish"},
    "oneshot": {"runs_once"},
    "ignored": {"left_out"},
}


def traits(kind: Kind) -> set[str]:
    names = (
        "behind_edge",
        "at_most_one",
        "own_project",
        "runs_once",
        "left_out",
        "is_held",
        "side_by_side",
        "stays_up_in_colour",
        "may_publish",
    )
    return {name for name in names if getattr(kind, name)}


def test_every_kind_has_the_traits_that_this_table_promises():
    assert {kind.name: traits(kind) for kind in KINDS} == TRAITS


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_kind_is_one_of_side_by_side_singleton_shared_oneshot_and_left_out(kind):
    traits = [kind.side_by_side, kind.at_most_one, kind.own_project, kind.runs_once, kind.left_out]
    assert traits.count(True) == 1


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_kind_is_found_by_its_name_and_explained_in_the_readme(kind):
    assert kind_named(kind.name) is kind is ServiceKind(kind.name, "").traits
    assert f"\n| {kind.name} |" in README.read_text()


def test_names_are_distinct():
    assert len(set(NAMES)) == len(KINDS)


@pytest.mark.parametrize("label", [None, "", "edge", "of a newer version"])
def test_a_label_that_names_no_kind_has_none(label):
    assert kind_named(label) is None and not is_in_shared_project(label)
