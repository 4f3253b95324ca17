"""The seconds that each check usually takes."""

from __future__ import annotations

import pytest

from switchyard.predeploy.engine import durations
from switchyard.predeploy.engine.result import PASS, Result


def test_a_run_adds_to_what_earlier_runs_measured_and_a_cached_pass_measures_nothing(subject):
    durations.save(subject, {"old": 3.0}, {"lint": Result(PASS, seconds=1.5), "unit": Result(PASS, cached=1.0)})
    assert durations.load(subject) == {"old": 3.0, "lint": 1.5}


@pytest.mark.parametrize("text", [None, "", "[]", '{"lint": null}', '{"lint": "x"}'])
def test_without_a_readable_file_no_check_has_a_duration(subject, text):
    if text is not None:
        subject.state.mkdir()
        (subject.state / "usual.json").write_text(text)
    assert durations.load(subject) == {}
