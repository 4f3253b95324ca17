"""One check, on each machine where that matters."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from switchyard.core.errors import NotChecked
from switchyard.core.wire.checks import CheckRecord
from switchyard.predeploy.engine import gate
from switchyard.predeploy.engine.look import look
from switchyard.predeploy.engine.result import FAIL, PASS, SKIPPED, UNKNOWN, Finding, Result
from switchyard.predeploy.engine.subject import Subject
from tests.harness.check_runs import check, number, of_two_machines, passes, run
from tests.harness.machine_answers import host_machine

SECRET = "hunter2-hunter2"


def test_what_a_check_throws_is_unknown_and_the_others_are_still_told(subject):
    def breaks(subject: Subject) -> Result:
        raise ValueError(f"no {SECRET}")

    def lacks(subject: Subject) -> Result:
        raise NotChecked("no network")

    results, _ = run([check("breaks", breaks), check("lacks", lacks), check("passes", passes)], subject)
    assert [results[name].outcome for name in ("breaks", "lacks", "passes")] == [UNKNOWN, UNKNOWN, PASS]
    assert "an error of its own: ValueError" in results["breaks"].reason and SECRET not in results["breaks"].reason
    log = Path(results["breaks"].log).read_text()
    assert "Traceback" in log and SECRET not in log
    assert results["lacks"].reason == "no network"


@pytest.mark.parametrize(
    ("outcomes", "together"),
    [
        ((PASS, PASS), PASS),
        ((PASS, SKIPPED), PASS),
        ((SKIPPED, SKIPPED), SKIPPED),
        ((PASS, UNKNOWN), UNKNOWN),
        ((SKIPPED, UNKNOWN), UNKNOWN),
        ((PASS, FAIL), FAIL),
        ((UNKNOWN, FAIL), FAIL),
    ],
)
def test_what_each_machine_has_of_its_own_is_looked_at_on_each_and_the_worst_counts(subject, outcomes, together):
    def looks(one: Subject) -> Result:
        outcome = outcomes[number(one) - 1]
        findings = (Finding("bad", "is bad", "t"),) if outcome == FAIL else ()
        return Result(outcome, f"looked at {one.machine}", findings, facts={"rows": number(one)})

    own = check("own", looks, per_machine=Subject.per_machine)
    done = run([own, check("once", passes)], of_two_machines(subject))[0]
    assert done["once"].reason == "1 file"
    assert done["own"].outcome == together
    for machine in ("prod1", "prod2"):
        assert f"{machine}: " in done["own"].reason and f"looked at {machine}" in done["own"].reason
    assert done["own"].facts == {"rows": 1, "machines": {"prod1": {"rows": 1}, "prod2": {"rows": 2}}}
    assert ("prod2: is bad" in [each.what for each in done["own"].findings]) == (together == FAIL)


def test_a_machine_that_could_not_be_read_is_told_beside_one_that_fails_no_worse_than_live(subject):
    def looks(one: Subject) -> Result:
        if one.machine == "prod2":
            raise NotChecked("no connection")
        return Result(FAIL, "looked", (Finding("bad", "is bad", "t"),))

    own = check("own", looks, per_machine=Subject.per_machine)
    done = run([own], of_two_machines(subject))[0]["own"]
    live = CheckRecord(FAIL, tools={}, findings=(("bad", "t", "is bad"),), tests={})
    compared = gate.no_worse(done, live, first=False)
    assert (compared.outcome, [each.what for each in compared.findings]) == (
        FAIL,
        ["prod2: could not be looked at: no connection"],
    )


def test_what_one_machine_had_is_no_worse_on_several_and_more_of_it_on_one_of_them_is(subject):
    bad = Finding("bad", "is bad", "t")

    def judged(counts: tuple[int, ...], kept: CheckRecord | None) -> tuple[Result, CheckRecord]:
        def looks(one: Subject) -> Result:
            found = (bad,) * counts[number(one) - 1]
            return Result(FAIL if found else PASS, "looked", found)

        asked = (
            of_two_machines(subject)
            if len(counts) == 2
            else replace(subject, host="prod", machines=(host_machine("prod1"),))
        )
        own = check("own", looks, per_machine=Subject.per_machine)
        done = run([own], asked, fresh=True)[0]["own"]
        baseline = gate.record([gate.Verdict("own", "code", gate.NO_WORSE, done)], "tree").checks["own"]
        return gate.no_worse(done, kept, first=kept is None), baseline

    for before, now, worse in (
        ((1,), (1, 1), []),
        ((1, 1), (1,), []),
        ((1, 0), (0, 1), []),
        ((1, 1), (1, 2), ["prod2: is bad"]),
        ((1, 1), (2,), ["is bad"]),
        ((0, 0), (1, 0), ["prod1: is bad"]),
    ):
        compared, _ = judged(now, judged(before, None)[1])
        assert ([each.what for each in compared.findings], compared.outcome) == (worse, FAIL if worse else PASS)


def test_an_error_of_a_checks_own_leaves_a_file_of_each_machine(subject):
    def breaks(one: Subject) -> Result:
        raise ValueError(one.machine)

    run([check("own", breaks, per_machine=Subject.per_machine)], of_two_machines(subject))
    for machine in ("prod1", "prod2"):
        assert f"ValueError: {machine}" in (subject.reports / f"own.{machine}.traceback").read_text()


def test_a_waiver_that_one_machine_needs_is_told_of_none(subject):
    idle = Finding("waiver-unused", "meets no finding", severity="warn")
    for beside, told in (((), 0), ((idle,), 2)):

        def looks(one: Subject, beside: tuple[Finding, ...] = beside) -> Result:
            return Result(PASS, "", (idle,) if one.machine == "prod1" else beside)

        own = check("own", looks, per_machine=Subject.per_machine)
        assert len(run([own], of_two_machines(subject), fresh=True)[0]["own"].findings) == told


def test_a_check_that_cannot_tell_its_machines_is_unknown(subject):
    def lacks(subject: Subject) -> tuple[Subject, ...]:
        raise NotChecked("no settings of the database")

    result = look(check("own", passes, per_machine=lacks), subject)
    assert (result.outcome, result.reason) == (UNKNOWN, "no settings of the database")
