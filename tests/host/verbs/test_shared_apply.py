"""Shared services are recreated only where they change, and the operator sees which."""

from __future__ import annotations

from dataclasses import replace

import pytest

from switchyard.host.adapters.files import write_json
from switchyard.host.verbs import shared_apply as module
from switchyard.host.verbs.shared_apply import shared_apply
from tests.harness.release_record import RECORD


@pytest.fixture
def attempt(holder, monkeypatch):
    """A commit with a database was received; an older image of it runs."""
    holder.store.releases.write(replace(RECORD, shared=("db",)))
    holder.wanted.id = "R1"
    for path, image in (
        (holder.store.shared / "wanted.json", "db:1"),
        (holder.store.release("R1") / "shared.json", "db:2"),
    ):
        write_json(path, {"services": {"db": {"image": image}}})
    monkeypatch.setattr(module, "receive_commit", lambda *_: None)
    return holder


def test_services_that_run_as_the_commit_wants_them_stay(attempt):
    write_json(attempt.store.shared / "wanted.json", {"services": {"db": {"image": "db:2"}}})
    assert shared_apply(attempt).outcome == "unchanged"


def test_the_operator_sees_what_changes_before_it_is_built_and_recreated(attempt, monkeypatch):
    lines: list[str] = []
    steps: list[str] = []
    monkeypatch.setattr(module, "ask", lambda attempt, each: lines.extend(each))
    monkeypatch.setattr(module, "act", lambda attempt, step: steps.append(step.name))
    assert shared_apply(attempt).outcome == "applied"
    assert lines == ["db: image", "db will be stopped and started again; volumes stay"]
    assert steps == ["build", "apply_shared"] and attempt.store.releases.record("R1").state == "applied"
