"""Shared services: a deploy adds what lacks, an apply recreates what changed, and files change in place."""

from __future__ import annotations

from dataclasses import replace

import pytest

from switchyard.core.errors import TAKEN_BACK, SwitchyardError
from switchyard.host import backup
from switchyard.host.adapters import engine, process
from switchyard.host.adapters.files import read_document, read_words, write, write_json
from switchyard.host.steps import shared as module
from switchyard.host.steps.shared import apply, bring_up
from tests.harness.attempts import led_astray
from tests.harness.release_record import RECORD


@pytest.fixture
def commands(holder, monkeypatch) -> list[str]:
    """What Compose is asked for; a release with a database and its file is wanted."""
    lines: list[str] = []
    record = replace(
        RECORD, shared=("db",), images={"db": "sha256:2"}, shared_files=("db.conf",), shared_objects={"db.conf": "two"}
    )
    holder.store.releases.write(record)
    holder.wanted.id = "R1"
    write(holder.store.release("R1") / "files" / "db.conf", "two")
    write_json(holder.store.release("R1") / "shared.json", {"services": {"db": {"image": "db:2", "volumes": []}}})
    monkeypatch.setattr(module, "lay_foundation", lambda *_: None)
    monkeypatch.setattr(module, "refuse_strangers", lambda *_: None)
    monkeypatch.setattr(module, "prove_shared", lambda attempt: None)
    monkeypatch.setattr(engine, "containers", lambda *_: [])
    monkeypatch.setattr(process, "run", lambda argv, **_: (0, ""))
    monkeypatch.setattr(holder.commands, "run", lambda argv, **_: lines.append(" ".join(argv)))
    return lines


def image_of(attempt) -> str | None:
    return read_document(attempt.store.shared / "compose.json").services["db"].image


def test_a_deploy_starts_what_does_not_run_pinned_and_lays_its_files(holder, commands):
    bring_up(holder, "")
    home = holder.store.shared
    assert image_of(holder) == "sha256:2" and (home / "files" / "db.conf").read_text() == "two"
    assert read_words(home / "files.json") == {"db.conf": "two"} and (home / "ready").exists()
    assert commands[-1].endswith("up -d --no-recreate db")


def test_a_deploy_leaves_what_runs_as_it_is(holder, commands):
    home = holder.store.shared
    write_json(home / "compose.json", {"services": {"db": {"image": "sha256:1"}}})
    write_json(home / "files.json", {"db.conf": "one"})
    write(home / "files" / "db.conf", "one")
    bring_up(holder, "")
    assert image_of(holder) == "sha256:1" and (home / "files" / "db.conf").read_text() == "one"


@pytest.fixture
def running(holder, commands) -> None:
    home = holder.store.shared
    write_json(home / "compose.json", {"services": {"db": {"image": "sha256:1"}}})
    write_json(home / "wanted.json", {"services": {"db": {"image": "db:1", "volumes": []}}})


def test_an_apply_recreates_what_changed_and_forgets_the_backup(holder, running, commands):
    apply(holder, "")
    assert image_of(holder) == "sha256:2" and not backup.is_unfinished(holder.store.shared)
    assert commands[0].endswith("up -d --no-deps --force-recreate db")


def test_an_apply_that_does_not_get_healthy_goes_back(holder, running, commands, monkeypatch):
    failures = [SwitchyardError("db: exited")]

    def prove(_: object) -> None:
        if failures:
            raise failures.pop()

    monkeypatch.setattr(module, "prove_shared", prove)
    with pytest.raises(SwitchyardError, match="db: exited") as caught:
        apply(holder, "")
    assert caught.value.exit == TAKEN_BACK and image_of(holder) == "sha256:1"


@pytest.mark.parametrize("verb", [bring_up, apply])
def test_nothing_starts_whose_data_leads_out_of_the_application_by_now(holder, commands, monkeypatch, verb):
    monkeypatch.setattr(engine, "own_paths", tuple)
    write_json(holder.store.release("R1") / "shared.json", {"services": {"db": led_astray(holder.store)}})
    with pytest.raises(SwitchyardError, match="service db is not started"):
        verb(holder, "")
    assert not [line for line in commands if " up " in line]
