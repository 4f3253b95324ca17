"""Values of the env in results."""

from __future__ import annotations

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
