"""Values of the env in results."""

from __future__ import annotations

from dataclasses import replace

from switchyard.predeploy.engine.redaction import redacted, secrets
from switchyard.predeploy.engine.result import FAIL, Finding, Result
from switchyard.predeploy.engine.subject import Subject
from tests.harness.check_runs import check, run

SECRET = "hunter2-hunter2"


def test_no_value_of_the_env_is_told(subject):
    def leaks(subject: Subject) -> Result:
        finding = Finding("R", f"it is {SECRET}", place=SECRET, text=SECRET, do=SECRET)
        return Result(FAIL, SECRET, (finding,), output=SECRET)

    results, _ = run([check("leaks", leaks)], subject)
    assert SECRET not in str(results["leaks"])


def test_a_variable_that_is_passed_to_tests_is_a_secret_in_facts_too(subject, monkeypatch):
    monkeypatch.setenv("TOKEN", "passed-on-token")
    subject = replace(subject, setting=subject.setting.model_copy(update={"passed": ["TOKEN"]}))
    assert "passed-on-token" in secrets(subject)
    result = redacted(Result(FAIL, facts={"server": {"notes": [1, "it is passed-on-token"]}}), subject)
    assert "passed-on-token" not in str(result.facts) and "it is" in str(result.facts)
