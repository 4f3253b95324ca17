"""The run on other people's schemas fails where a check misses what was planted."""

from __future__ import annotations

import pytest

from scripts.schemas import missed
from scripts.violations import VIOLATIONS


@pytest.mark.parametrize(
    ("planted", "after", "problems"),
    [
        (2, 3, []),
        (2, 2, ["orphan: 1 of 2"]),
        (0, 1, ["orphan could not be planted"]),
    ],
)
def test_each_planted_violation_must_be_one_more_finding(planted: int, after: int, problems: list[str]) -> None:
    assert missed({"orphan": planted}, {"orphan": 1}, {"orphan": after}) == problems


def test_each_rule_is_planted_once() -> None:
    rules = [violation.rule for violation in VIOLATIONS]
    assert len(set(rules)) == len(rules)
