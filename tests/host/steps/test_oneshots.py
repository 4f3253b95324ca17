"""Oneshots run once, in order, and a migration whose end nobody knows is never repeated by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from switchyard.core.app import App, Migrations
from switchyard.core.errors import Refused, SwitchyardError
from switchyard.core.site import Site, Slot
from switchyard.core.wire.release import OneshotOutcome, ReleaseRecord
from switchyard.host import observe
from switchyard.host.adapters import engine
from switchyard.host.adapters.files import write_json
from switchyard.host.attempt import Attempt
from switchyard.host.steps import oneshots as module
from switchyard.host.steps.oneshots import run_oneshots
from tests.harness.attempts import begin_attempt, led_astray
from tests.harness.release_record import RECORD


class Runs:
    """Notes which oneshots run; those named ``broken`` end with 3."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.patch = monkeypatch
        self.names: list[str] = []
        monkeypatch.setattr(observe, "site", lambda *_: Site(blue=Slot("R0", "healthy"), proxy="blue"))
        monkeypatch.setattr(engine, "containers", lambda *_: [])
        monkeypatch.setattr(module, "_remove_container", lambda name: None)

    def of(self, attempt: Attempt, record: ReleaseRecord) -> bool:
        def run(argv: list[str], **_: object) -> tuple[int, str]:
            self.names.append(argv[-1])
            return (3, "its last words") if argv[-1] == "broken" else (0, "")

        attempt.store.releases.write(record)
        attempt.wanted.id = record.id
        self.patch.setattr(attempt.commands, "run", run)
        return run_oneshots(attempt, "")


@pytest.fixture
def runs(monkeypatch) -> Runs:
    return Runs(monkeypatch)


def test_each_runs_once_in_order_and_none_after_one_that_fails(holder, runs):
    done = OneshotOutcome(exit=0, seconds=1.0)
    record = replace(RECORD, oneshots=("seed", "fill", "broken", "last"), outcomes={"seed": done})
    assert runs.of(holder, record) is False and runs.names == ["fill", "broken"]
    outcomes = holder.store.releases.record("R1").outcomes
    assert {name: outcome.exit for name, outcome in outcomes.items()} == {"seed": 0, "fill": 0, "broken": 3}
    assert holder.memory.reason == "broken ended with 3:\nits last words"


def test_a_way_back_runs_none_and_records_that(new_store, runs):
    attempt = begin_attempt(new_store, app="shop", back=True)
    assert runs.of(attempt, replace(RECORD, oneshots=("migrate",))) and runs.names == []
    outcome = new_store.releases.record("R1").outcomes["migrate"]
    assert outcome.succeeded and outcome.skipped == "a rollback runs no oneshot"


ONCE = App("shop", migrations=Migrations("migrate", repeat="never"))
BEGUN = replace(RECORD, id="R0", number=0, outcomes={"migrate": OneshotOutcome(begun=1.0)})


def test_a_migration_whose_end_nobody_knows_is_not_repeated_unless_that_is_forced(new_store, runs):
    new_store.releases.write(replace(BEGUN, number=1))
    record = replace(RECORD, number=2, oneshots=("migrate",), app=ONCE)
    with pytest.raises(Refused, match="migrate started for R0, and how it ended is not known"):
        runs.of(begin_attempt(new_store, app="shop"), record)
    assert runs.names == []
    assert runs.of(begin_attempt(new_store, app="shop", force=True), record) and runs.names == ["migrate"]


def test_a_migration_that_may_be_repeated_is(new_store, runs):
    new_store.releases.write(replace(BEGUN, number=1))
    record = replace(RECORD, number=2, oneshots=("migrate",), app=App("shop", migrations=Migrations("migrate")))
    assert runs.of(begin_attempt(new_store, app="shop"), record) and runs.names == ["migrate"]


def test_none_runs_whose_data_leads_out_of_the_application_by_now(holder, runs, monkeypatch):
    monkeypatch.setattr(engine, "own_paths", tuple)
    write_json(holder.store.release("R1") / "green.json", {"services": {"fill": led_astray(holder.store)}})
    with pytest.raises(SwitchyardError, match="service fill is not started"):
        runs.of(holder, replace(RECORD, oneshots=("fill",)))
    assert runs.names == []
