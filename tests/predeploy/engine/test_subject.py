"""What the checks share."""

from __future__ import annotations

from switchyard.predeploy.engine.result import PASS, Result
from switchyard.predeploy.engine.subject import Subject
from tests.harness.check_runs import check, run


def test_what_is_shared_is_made_once_and_closed_at_the_end(subject):
    made: list[str] = []
    closed: list[str] = []

    def make() -> str:
        made.append("it")
        subject.closing.callback(closed.append, "it")
        return "it"

    def uses(subject: Subject) -> Result:
        assert subject.once("it", make) == "it" and not closed
        return Result(PASS)

    results, _ = run([check("one", uses), check("two", uses)], subject)
    assert {result.outcome for result in results.values()} == {PASS}
    assert (made, closed) == (["it"], ["it"])
