"""Waivers: which findings they cover, and what happens to those that cover none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from switchyard.predeploy.engine import waivers
from switchyard.predeploy.engine.result import FAIL, PASS, UNKNOWN, Finding
from switchyard.predeploy.engine.subject import Subject
from switchyard.settings.predeploy import PredeploySetting

PUBLIC = Finding("public-port", "web is public")


@pytest.fixture
def waived(subject: Subject) -> Subject:
    waive = [{"rule": "public-port", "where": "web*", "reason": "meant"}]
    return replace(subject, setting=PredeploySetting.model_validate({"waive": waive}))


def test_a_waiver_covers_its_rule_at_its_place_alone(waived):
    rules = ("public-port", "root")
    result = waivers.judge(waived, rules, [("web1", PUBLIC)], ["1 service"])
    assert (result.outcome, result.reason, result.findings) == (PASS, "1 service; 1 waived", ())
    assert waivers.judge(waived, rules, [("db", PUBLIC)], []).outcome == FAIL
    assert waivers.judge(waived, rules, [("web1", Finding("root", "web is root"))], []).outcome == FAIL


def test_a_waiver_that_covers_nothing_is_a_warning_and_one_of_another_check_is_not(waived):
    (unused,) = waivers.judge(waived, ("public-port",), [], []).findings
    assert (unused.rule, unused.severity) == (waivers.UNUSED, "warn")
    assert waivers.judge(waived, ("root",), [], []).findings == ()


def test_what_could_not_be_looked_at_is_unknown_alone_and_a_finding_beside_an_error(subject):
    assert waivers.judge(subject, (), [], [], ["no answer"]).outcome == UNKNOWN
    result = waivers.judge(subject, (), [("web", PUBLIC)], [], ["no answer"])
    assert (result.outcome, [finding.rule for finding in result.findings]) == (FAIL, ["public-port", "not-checked"])
