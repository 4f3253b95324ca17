"""The database that the checks read."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from switchyard.core.app import App
from switchyard.core.compose_document import Document
from switchyard.predeploy.database.reference_server import Server
from switchyard.predeploy.database.target_database import machines
from switchyard.predeploy.database.target_reader import reader_of
from switchyard.predeploy.engine.result import PASS, Result
from switchyard.predeploy.engine.subject import Subject
from switchyard.settings.predeploy import PredeploySetting
from tests.embedded import fresh, url
from tests.harness.check_runs import check, of_two_machines, passes, run
from tests.harness.machine_answers import COMMIT, checks_answer, host_machine


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
        env={"PASSWORD": "hunter2-hunter2"},
    )


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


OPEN = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"


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
