"""The head of the schema: what the adapter tells, else the files, and nothing that nobody knows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from switchyard.core.app import App, Migrations
from switchyard.core.wire.release import MigrationHead, OneshotOutcome
from switchyard.host.adapters import process
from switchyard.host.adapters.files import write
from switchyard.host.steps.migration_head import Migrator
from tests.harness.release_record import RECORD

DONE = {"migrate": OneshotOutcome(exit=0, seconds=1.0)}


def migrator(attempt, **settings) -> tuple[Migrator, object]:
    """The migrator of R2, whose files are 001 and 002; R1 is live, at head 001."""
    store = attempt.store
    store.releases.write(replace(RECORD, head=MigrationHead(None, "001", ("001",))))
    record = replace(RECORD, id="R2", number=2, app=App("shop", migrations=Migrations("migrate", **settings)))
    store.releases.write(record)
    for name in ("002", "001"):
        write(store.release("R2") / "files" / "sql" / name, "")
    attempt.before, attempt.wanted.id = "R1", "R2"
    found = Migrator.of(attempt, record, "migrate", "green")
    assert found is not None and Migrator.of(attempt, record, "seed", "green") is None
    return found, record


def test_without_a_command_the_head_is_that_of_live_until_the_migrations_ran(holder):
    found, record = migrator(holder, files="sql/*")
    assert found.files() == ("001", "002")
    assert found.head(record) == "001"
    after = found.head_after("001", replace(record, outcomes=DONE))
    assert after == MigrationHead("001", "002", ("001", "002"))


def test_without_command_and_files_nothing_is_known(holder):
    found, record = migrator(holder)
    assert found.head(replace(record, outcomes=DONE)) is None and not found.tells_pending


@pytest.mark.parametrize("code,output,head", [(0, "connecting\n003\n", "003"), (1, "003\n", None), (0, "\n", None)])
def test_the_adapter_s_last_line_is_the_head_where_its_command_succeeds(holder, monkeypatch, code, output, head):
    monkeypatch.setattr(process, "run", lambda argv, **_: (code, output))
    found, record = migrator(holder, current=("show",))
    assert found.head(record) == head


@pytest.mark.parametrize(
    "code,output,pending",
    [(0, "002\n003\n", "002, 003"), (0, "", "none"), (2, "", "unknown, its command ended with 2")],
)
def test_what_is_pending_is_told_or_unknown(holder, monkeypatch, code, output, pending):
    monkeypatch.setattr(process, "run", lambda argv, **_: (code, output))
    found, _ = migrator(holder, pending=("list",))
    assert found.tells_pending and found.pending() == pending
