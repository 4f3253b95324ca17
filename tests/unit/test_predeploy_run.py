"""Checks run side by side, in their order, to the end whatever one of them does; passes are kept and nothing else."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from switchyard.core.app import App
from switchyard.core.compose_document import Document
from switchyard.core.errors import NotChecked
from switchyard.core.wire.checks import CheckRecord
from switchyard.predeploy.database.reference_server import Server
from switchyard.predeploy.database.target_database import machines
from switchyard.predeploy.database.target_reader import reader_of
from switchyard.predeploy.engine import gate, runner, validation
from switchyard.predeploy.engine.check import Check, never
from switchyard.predeploy.engine.options import CheckOptions
from switchyard.predeploy.engine.result import FAIL, PASS, SKIPPED, UNKNOWN, Finding, Result
from switchyard.predeploy.engine.subject import Subject
from switchyard.predeploy.engine.tree import work_tree
from switchyard.settings.predeploy import PredeploySetting
from tests.embedded import fresh, url
from tests.harness.machine_answers import COMMIT, checks_answer, host_machine

OPEN = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
SECRET = "hunter2-hunter2"


class Shown:
    """What the screen is told."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ended: list[str] = []

    def begins(self, check: Check, usual: float | None) -> None:
        self.begun.append(check.name)

    def ends(self, check: Check, result: Result) -> None:
        self.ended.append(check.name)


@pytest.fixture
def subject(tmp_path: Path) -> Subject:
    return Subject(
        app=App("shop"),
        setting=PredeploySetting(),
        top=tmp_path,
        repository=tmp_path,
        tree="t" * 40,
        clean=True,
        state=tmp_path / "state",
        checkout=tmp_path,
        env={"PASSWORD": SECRET},
    )


def check(name: str, function: Callable[[Subject], Result], **more: object) -> Check:
    return Check(name, "code", "", "", function, source=Path(__file__), **more)  # type: ignore[arg-type]


def run(checks: list[Check], subject: Subject, *, fresh: bool = False) -> tuple[dict[str, Result], Shown]:
    shown = Shown()
    return runner.run(checks, subject, fresh=fresh, show=shown), shown


def passes(subject: Subject) -> Result:
    return Result(PASS, "1 file")


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


def test_no_value_of_the_env_is_told(subject):
    def leaks(subject: Subject) -> Result:
        finding = Finding("R", f"it is {SECRET}", place=SECRET, text=SECRET, do=SECRET)
        return Result(FAIL, SECRET, (finding,), output=SECRET)

    results, _ = run([check("leaks", leaks)], subject)
    assert SECRET not in str(results["leaks"])


def of_two_machines(subject: Subject) -> Subject:
    return replace(subject, host="prod", machines=(host_machine("prod1"), host_machine("prod2")))


def number(one: Subject) -> int:
    """The machine's number."""
    return int(one.machine.removeprefix("prod"))


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


def test_a_new_machine_without_a_release_does_not_make_everything_new(subject):
    several = of_two_machines(replace(subject, setting=PredeploySetting(gates={"own": "no-worse-than-live"})))
    found = Finding("bad", "is bad", "t")
    kept = {"own": CheckRecord(PASS, tools={}, findings=(), tests={})}
    new, used = host_machine("prod1"), host_machine("prod2", checks_answer(COMMIT, kept))
    for hosts, outcome in (((new,), PASS), ((new, used), FAIL)):
        asked, own = replace(several, machines=hosts), check("own", passes)
        verdict = validation.verdict(own, [own], asked, Result(FAIL, "looked", (found,)), CheckOptions())
        assert verdict.result.outcome == outcome


def test_a_waiver_that_one_machine_needs_is_told_of_none(subject):
    idle = Finding("waiver-unused", "meets no finding", severity="warn")
    for beside, told in (((), 0), ((idle,), 2)):

        def looks(one: Subject, beside: tuple[Finding, ...] = beside) -> Result:
            return Result(PASS, "", (idle,) if one.machine == "prod1" else beside)

        own = check("own", looks, per_machine=Subject.per_machine)
        assert len(run([own], of_two_machines(subject), fresh=True)[0]["own"].findings) == told


@pytest.mark.parametrize(
    ("url", "looked"),
    [
        ("", 2),
        ("postgresql://shop@db/shop", 2),
        ("postgresql://shop@127.0.0.1:5432/shop", 2),
        ("postgresql://shop@172.18.0.1/shop", 2),
        ("postgresql://shop@172.31.255.1/shop", 2),
        ("postgresql://shop@172.32.0.1/shop", 1),
        ("postgresql://shop@db.example.com/shop", 1),
        ("postgresql+psycopg://shop@10.0.0.7/shop", 1),
    ],
)
def test_a_database_that_all_machines_share_is_read_once(subject, url, looked):
    several = of_two_machines(replace(subject, env={"DATABASE_URL": url}))
    several.resolve = lambda: (Document.decode({"services": {"db": {"image": "postgres:17"}}}), "")
    assert len(machines(several)) == 1, "none of them has one yet"
    several.machines = (host_machine("prod1", checks_answer(COMMIT)), several.machines[1])
    assert [each.machine for each in machines(several)] == ["prod1", "prod2"][:looked]


def test_checks_run_side_by_side(subject):
    both = threading.Barrier(2, timeout=10)

    def meets(subject: Subject) -> Result:
        both.wait()
        return Result(PASS)

    results, _ = run([check("one", meets), check("two", meets)], subject)
    assert {result.outcome for result in results.values()} == {PASS}


def test_one_check_computes_on_a_core_at_a_time_and_those_that_wait_for_others_take_none(subject, monkeypatch):
    monkeypatch.setattr(runner, "COMPUTING", 1)
    two, computed = threading.Barrier(2), threading.Semaphore(0)

    def computes(subject: Subject) -> Result:
        with pytest.raises(threading.BrokenBarrierError):
            two.wait(0.5)
        computed.release()
        return Result(PASS)

    def waits(subject: Subject) -> Result:
        assert all(computed.acquire(timeout=10) for _ in range(5))
        return Result(PASS)

    checks = [check("waits", waits, waits=True), *(check(f"computes{number}", computes) for number in range(5))]
    results, _ = run(checks, subject)
    assert {result.outcome for result in results.values()} == {PASS}, results


def test_what_has_not_begun_when_the_run_is_cancelled_does_not_begin(subject, monkeypatch):
    monkeypatch.setattr(runner, "COMPUTING", 1)

    def cancels(subject: Subject) -> Result:
        subject.cancelled.set()
        return Result(PASS)

    results, shown = run([check("cancels", cancels), check("later", passes)], subject)
    assert shown.begun == ["cancels"] and results["later"].outcome == UNKNOWN


def test_a_check_begins_after_those_that_it_waits_for(subject):
    many = [check(f"first{number}", passes) for number in range(20)]
    last = check("last", passes, after=tuple(each.name for each in many))
    _, shown = run([last, *many], subject)
    assert shown.begun[-1] == "last" and len(shown.ended) == 21


def test_a_check_that_waits_for_one_that_was_not_asked_for_begins(subject):
    results, _ = run([check("last", passes, after=("absent",))], subject)
    assert results["last"].outcome == PASS


def test_a_pass_is_kept_until_something_changes(subject, monkeypatch):
    ran: list[str] = []

    def counts(subject: Subject) -> Result:
        ran.append(subject.tree)
        return Result(PASS, findings=(Finding("W", "a warning", severity="warn"),))

    one = check("counts", counts)
    run([one], subject)
    results, shown = run([one], subject)
    assert len(ran) == 1 and results["counts"].cached is not None and shown.begun == []
    assert results["counts"].findings[0].what == "a warning"
    run([one], subject, fresh=True)
    assert len(ran) == 2
    run([one], replace(subject, tree="u" * 40))
    assert len(ran) == 3
    run([one], subject)
    assert len(ran) == 3, "that of the tree before stands as well"
    run([one], replace(subject, tree="u" * 40, setting=PredeploySetting(coverage=90)))
    assert len(ran) == 4
    passed_on = replace(subject, setting=PredeploySetting(passed=["LEVEL"]))
    for value in ("low", "low", "high"):
        monkeypatch.setenv("LEVEL", value)
        run([one], passed_on)
    assert len(ran) == 6


def test_a_changed_check_runs_again(subject, tmp_path):
    source = tmp_path / "check.py"
    source.write_text("one")
    one = replace(check("one", passes), source=source)
    run([one], subject)
    assert run([one], subject)[0]["one"].cached is not None
    source.write_text("two")
    assert run([one], subject)[0]["one"].cached is None


def test_a_pass_of_the_work_tree_is_none_of_an_export_of_the_same_tree(subject):
    one = check("one", passes)
    run([one], replace(subject, clean=False))
    assert run([one], replace(subject, clean=False))[0]["one"].cached is not None
    assert run([one], subject)[0]["one"].cached is None, "beside a work tree stands what git ignores"


def test_a_pass_of_a_work_tree_that_somebody_wrote_to_meanwhile_is_not_kept(subject, repository):
    def of_now() -> Subject:
        moved = {"state": repository / "ignored", "changed": lambda: work_tree(repository) != tree}
        return replace(subject, clean=False, tree=work_tree(repository), **moved)

    def is_edited(subject: Subject) -> Result:
        (repository / "a").write_text("meanwhile")
        return Result(PASS)

    tree = work_tree(repository)
    run([check("one", is_edited)], of_now())
    (repository / "a").write_text("1")
    assert of_now().tree == tree and run([check("one", passes)], of_now())[0]["one"].cached is None
    assert run([check("one", passes)], of_now())[0]["one"].cached is not None


@pytest.mark.parametrize("outcome", [FAIL, UNKNOWN])
def test_nothing_but_a_pass_is_kept_and_a_failure_ends_an_older_pass(subject, outcome):
    one, other = check("one", passes), check("one", lambda subject: Result(outcome))
    run([one], subject)
    run([other], subject, fresh=True)
    assert run([one], subject)[0]["one"].cached is None


def test_what_talks_to_the_outside_is_never_taken_from_what_was_kept(subject):
    one = check("one", passes, lasts=never)
    run([one], subject)
    assert run([one], subject)[0]["one"].cached is None


def test_a_pass_ends_with_its_time(subject):
    one = check("one", passes, lasts=lambda subject: 3600.0)
    run([one], subject)
    (kept,) = (subject.state / "passes" / "one").iterdir()
    value = json.loads(kept.read_text())
    kept.write_text(json.dumps({**value, "at": time.time() - 3601}))
    assert run([one], subject)[0]["one"].cached is None


def test_a_torn_file_of_a_pass_is_no_pass(subject):
    one = check("one", passes)
    run([one], subject)
    (kept,) = (subject.state / "passes" / "one").iterdir()
    kept.write_text(kept.read_text()[:40])
    assert run([one], subject)[0]["one"].cached is None


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


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "a").write_text("1")
    (tmp_path / ".gitignore").write_text("ignored\n")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "one")
    return tmp_path


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_the_work_tree_s_tree_is_that_of_its_commit_and_follows_content_alone(repository):
    committed = git(repository, "rev-parse", "HEAD^{tree}")
    assert work_tree(repository) == committed
    (repository / "a").touch()
    (repository / "ignored").write_text("x")
    assert work_tree(repository) == committed
    (repository / "b").write_text("new")
    changed = work_tree(repository)
    assert changed != committed
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "two")
    assert git(repository, "rev-parse", "HEAD^{tree}") == changed


def test_asking_for_the_work_tree_s_tree_writes_nothing_to_the_repository(repository):
    (repository / "b").write_text("new")
    before = listed(repository)
    status = git(repository, "status", "--porcelain")
    work_tree(repository)
    assert listed(repository) == before
    assert git(repository, "status", "--porcelain") == status == "?? b"


def listed(repository: Path) -> set[str]:
    with contextlib.suppress(FileNotFoundError):
        return {str(path) for path in (repository / ".git" / "objects").rglob("*")}
    return set()


def test_the_instant_of_a_database_is_held_no_longer_than_its_checks_take(subject, newest: Server, monkeypatch):
    name = fresh(newest, "CREATE TABLE t (id int PRIMARY KEY)")
    monkeypatch.setenv("DATABASE_URL", url(newest, name))
    seen = threading.Event()

    def reads(subject: Subject) -> Result:
        reader_of(subject).rows("SELECT 1", int)
        assert seen.wait(30)
        return passes(subject)

    def goes_on(subject: Subject) -> Result:
        deadline = time.monotonic() + 30
        with newest.open("postgres") as watcher:
            for wanted in (True, False):
                while (watcher.execute(OPEN, [name]).fetchone() != (0,)) != wanted:
                    assert time.monotonic() < deadline
                seen.set()
        return passes(subject)

    checks = [replace(check(name, reads), group="database") for name in ("one", "two", "three")]
    checks[1:] = [replace(each, after=("one",)) for each in checks[1:]]
    results, _ = run([check("long", goes_on), *checks], subject)
    assert {name: result.outcome for name, result in results.items()} == dict.fromkeys(results, PASS), results
