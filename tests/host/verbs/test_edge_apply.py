"""An edge is recreated only where its addresses change, and where its ports are free."""

from __future__ import annotations

from dataclasses import replace

import pytest

from switchyard.core.app import Route
from switchyard.core.errors import Refused
from switchyard.host.adapters.files import write_json
from switchyard.host.verbs import edge_apply as module
from switchyard.host.verbs.edge_apply import edge_apply
from tests.harness.release_record import RECORD


@pytest.fixture
def attempt(holder, monkeypatch):
    """A commit with one route was received."""
    holder.store.releases.write(replace(RECORD, routes=(Route("web", 80, 8080),)))
    holder.wanted.id = "R1"
    monkeypatch.setattr(module, "receive_commit", lambda *_: None)
    return holder


def test_an_edge_that_holds_the_addresses_stays(attempt):
    write_json(attempt.store.edge / "routes.json", [Route("web", 80, 8080, affinity=True).encode()])
    ending = edge_apply(attempt)
    assert (ending.outcome, ending.exit) == ("unchanged", 0) and "the edge holds the addresses" in ending.reason


def test_a_port_that_somebody_holds_is_named_before_anything_is_interrupted(attempt, monkeypatch):
    monkeypatch.setattr(module, "listening", lambda: {"8080": "container old"})
    with pytest.raises(Refused, match="port 8080 is held by container old"):
        edge_apply(attempt)


def test_the_operator_sees_which_addresses_come_and_go(attempt, monkeypatch):
    lines: list[str] = []
    write_json(attempt.store.edge / "routes.json", [Route("web", 80, 9090).encode()])
    monkeypatch.setattr(module, "listening", lambda: {"8080": "shop's edge"})
    monkeypatch.setattr(module, "ask", lambda attempt, each: lines.extend(each))
    monkeypatch.setattr(module, "act", lambda *_: None)
    assert edge_apply(attempt).outcome == "applied"
    assert lines[:2] == ["added: web:80 on 0.0.0.0:8080", "gone: web:80 on 0.0.0.0:9090"]
    assert attempt.store.releases.record("R1").state == "applied"
