"""The terms of messages: what each form takes, and what it refuses."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from switchyard.core.wire import terms
from switchyard.core.wire.message import Form


def form_of(term: object) -> Form:
    """Return the form of an annotated type."""
    (form,) = (part for part in get_args(term)[1:] if isinstance(part, Form))
    return form


@pytest.mark.parametrize(
    "term,good,bad",
    [
        (terms.AppName, ["shop", "a_b-1"], ["Shop", "-a", "", "a" * 41]),
        (terms.AttemptId, ["20261124T204710-43140c", "20261124T204710-43140cb"], ["20261124T204710", "a"]),
        (terms.ReleaseId, ["20261124T204710Z-e94c6e3"], ["20261124T204710-e94c6e3", "20261124T204710Z-"]),
        (terms.CommitId, ["e" * 40, "e" * 64], ["e" * 39, "e" * 41, "E" * 40]),
        (terms.ImageId, ["sha256:" + "0" * 64], ["0" * 64, "sha256:0"]),
        (terms.Hash, ["0" * 16], ["0" * 15, "g" * 16]),
        (terms.NonEmpty, ["\n", "x"], [""]),
    ],
)
def test_a_pattern_takes_what_is_of_its_form_and_nothing_else(term, good, bad):
    pattern = re.compile(form_of(term).pattern)
    assert all(pattern.search(text) for text in good) and not any(pattern.search(text) for text in bad)


@pytest.mark.parametrize(
    "term,choices",
    [(terms.Colour, ("blue", "green")), (terms.Target, ("blue", "green", "none")), (terms.Mode, ("http", "tcp"))],
)
def test_a_choice_names_all_of_its_values(term, choices):
    assert form_of(term).choices == choices


def test_every_exit_code_of_the_readme_is_an_exit_code():
    assert form_of(terms.ExitCode).choices == (0, 1, 2, 3, 4, 5, 6, 7, 75, 130)
