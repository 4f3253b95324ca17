"""A bench fails where a limit does not hold, and prints every raw value."""

from __future__ import annotations

import pytest

from bench.measured import Report


def test_limits_that_hold_are_a_pass_with_every_raw_value(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report()
    report.show("a deploy", [1.5, 1.25, 2.0])
    report.limit("the median of that", 1.5, 3.0)
    assert report.end() == 0
    printed = capsys.readouterr().out
    assert "median   1.500 s   [1.500 1.250 2.000]" in printed and "holds: the median of that" in printed


def test_a_broken_limit_is_named_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report()
    report.limit("a warm rollback", 1.5, 1.0)
    assert report.end() == 1
    printed = capsys.readouterr().out
    assert "does not hold: a warm rollback" in printed
    assert printed.splitlines()[-1] == '{"v": 1, "broken": ["a warm rollback"]}'
