"""The reader that the checks of a run share."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest

from switchyard.predeploy.database.reference_server import Server
from switchyard.predeploy.database.target_reader import reader_of
from switchyard.predeploy.engine.result import PASS, Result
from switchyard.predeploy.engine.subject import Subject
from tests.harness.check_runs import check, passes, run
from tests.harness.postgres import fresh, url

SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"


def test_the_instant_of_a_database_is_kept_no_longer_than_its_checks_take(
    subject: Subject, newest: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
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
            for is_open in (True, False):
                while (watcher.execute(SESSIONS, [name]).fetchone() != (0,)) != is_open:
                    assert time.monotonic() < deadline
                seen.set()
        return passes(subject)

    checks = [replace(check(name, reads), group="database") for name in ("one", "two", "three")]
    checks[1:] = [replace(each, after=("one",)) for each in checks[1:]]
    results, _ = run([check("long", goes_on), *checks], subject)
    assert {name: result.outcome for name, result in results.items()} == dict.fromkeys(results, PASS), results
