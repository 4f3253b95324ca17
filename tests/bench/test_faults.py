"""A fault run leaves no step out, and a round with a problem fails it."""

from __future__ import annotations

import pytest

from bench.faults import typed_verbs
from bench.faults.__main__ import pairs
from bench.faults.actors import ACTORS
from bench.faults.table import Moment, Row, report

STEPS = [f"step{number}" for number in range(len(ACTORS))]


def row(*problems: str) -> Row:
    return Row("build", "line", Moment(0.1, 0.2, True), 0, 0, 1.0, 1, 100, len(problems), 0.2, problems)


def test_each_step_is_struck_once_and_every_actor_has_its_turn() -> None:
    rounds = list(pairs(STEPS, list(ACTORS), 0, seed=4))
    assert [step for step, _ in rounds] == STEPS
    assert {actor for _, actor in rounds} == set(ACTORS)


def test_the_whole_matrix_has_every_step_with_every_actor() -> None:
    assert len(set(pairs(["build", "switch"], list(ACTORS), 1, seed=0))) == 2 * len(ACTORS)


def test_a_step_without_a_row_fails_and_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(["build"], [row()]) == 0
    assert report(["build", "switch"], [row()]) == 1
    assert "no row: ['switch']" in capsys.readouterr().out


def test_a_row_with_a_problem_fails() -> None:
    assert report(["build"], [row("1 of 100 failed")]) == 1


def test_every_verb_is_typed_twice_and_both_that_stand_still_have_their_turn() -> None:
    short = [set(typed_verbs.rounds(typed_verbs.ACTORS, seed, whole=False)) for seed in (0, 1)]
    assert all({(verb, typed_verbs.TWICE) for verb in typed_verbs.VERBS} < rounds for rounds in short)
    whole = set(typed_verbs.rounds(typed_verbs.ACTORS, 0, whole=True))
    assert short[0] | short[1] == whole and short[0] != short[1]
    assert list(typed_verbs.rounds([typed_verbs.TWICE], 0, whole=True)) == [
        (verb, typed_verbs.TWICE) for verb in typed_verbs.VERBS
    ]
