"""What the fault program counts as wrong, and that it leaves no step out."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

PATH = Path(__file__).parents[2] / "bench" / "faults.py"


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("faults", PATH)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "faults", module)
    spec.loader.exec_module(module)
    return module


def beats(who: str, first: float, last: float) -> list[tuple[str, float]]:
    return [(who, tenth / 10) for tenth in range(int(first * 10), int(last * 10) + 1)]


def test_two_workers_at_once_are_found_for_as_long_as_it_was(faults):
    found = faults.overlaps(beats("old", 0, 5) + beats("new", 4.5, 9))
    assert found == ["workers old and new at once, for 0.50 s"]


def test_workers_that_take_turns_and_come_back_are_no_overlap(faults):
    turns = beats("old", 0, 5) + beats("new", 5.4, 6) + beats("old", 7, 9)
    assert faults.overlaps(turns) == []
    assert faults.longest_gap(turns) == pytest.approx(1.0)


def test_a_worker_that_runs_inside_anothers_time_is_an_overlap(faults):
    assert faults.overlaps(beats("old", 0, 5) + beats("new", 2, 3)) == ["workers old and new at once, for 1.00 s"]


def test_each_step_is_struck_once_and_every_actor_has_its_turn(faults):
    steps = [f"step{number}" for number in range(11)]
    struck = list(faults.pairs(steps, list(faults.ACTORS), 0, seed=4))
    assert [step for step, _ in struck] == steps
    assert {actor for _, actor in struck} == set(faults.ACTORS)


def test_the_whole_matrix_has_every_step_with_every_actor(faults):
    assert len(set(faults.pairs(["build", "switch"], list(faults.ACTORS), 1, seed=0))) == 2 * len(faults.ACTORS)


def test_a_step_without_a_row_fails_and_is_named(faults, capsys):
    moment = faults.Moment(0.1, 0.2, True)
    row = faults.Row("build", "line", moment, 0, 0, 1.0, 1, 100, 0, 0.2, ())
    assert faults.report(["build"], [row]) == 0
    assert faults.report(["build", "switch"], [row]) == 1
    assert "no row: ['switch']" in capsys.readouterr().out


def test_a_row_with_a_problem_fails(faults):
    row = faults.Row("build", "line", faults.Moment(0.1, 0.2, True), 0, 0, 1.0, 1, 100, 1, 0.2, ("1 of 100 failed",))
    assert faults.report(["build"], [row]) == 1
