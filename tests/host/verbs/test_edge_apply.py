"""An edge is recreated only where its addresses change, and where it could hold them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from switchyard.core import edge
from switchyard.core.app import Route
from switchyard.core.errors import Refused
from switchyard.core.held_routes import HeldRoute
from switchyard.core.site import Site, Slot
from switchyard.host import edge_container, edge_documents, observe
from switchyard.host.adapters.files import write_json
from switchyard.host.verbs import edge_apply as module
from switchyard.host.verbs.edge_apply import edge_apply
from tests.harness.release_record import RECORD


def publish(home: Path, without: str = "") -> None:
    """Publish the documents of an edge that holds 8080, as one is created now, ``without`` a key of its service."""
    held = (HeldRoute("web", 80, 8080, number=1),)
    previews = dict.fromkeys(edge.preview_names(held), 20000)
    document = edge_container.document(home, "shop", held, previews, "sha256:abc")
    document["services"]["edge"].pop(without, None)
    edge_documents.draft(home, held, previews, document)
    edge_documents.publish(home)


@pytest.fixture
def attempt(holder, monkeypatch, fake_engine):
    """Release R0 is live at 8080; a commit, R1, was received that wants 8081."""
    fake_engine.know("/version", {"Version": "26.1.5+dfsg1"})
    publish(holder.store.edge)
    releases = holder.store.releases
    releases.write(replace(RECORD, id="R0", routes=(Route("web", 80, 8080),)))
    releases.write(replace(RECORD, number=2, routes=(Route("web", 80, 8081),)))
    holder.wanted.id = "R1"
    monkeypatch.setattr(module, "receive_commit", lambda *_: None)
    monkeypatch.setattr(module, "listening", dict)
    site = Site(blue=Slot("R0", "healthy"), proxy="blue", map_file="blue")
    monkeypatch.setattr(observe, "site", lambda *_: site)
    return holder


@pytest.mark.parametrize(
    "route",
    [Route("web", 80, 8080, affinity=True), Route("web", 81, 8080), Route("app", 80, 8080, mode="tcp")],
)
def test_what_leads_elsewhere_at_the_same_address_interrupts_nobody(attempt, route):
    attempt.store.releases.write(replace(RECORD, number=2, routes=(route,)))
    ending = edge_apply(attempt)
    assert (ending.outcome, ending.exit) == ("unchanged", 0) and "the edge holds the addresses" in ending.reason


def test_a_port_that_somebody_holds_is_named_before_anything_is_interrupted(attempt, monkeypatch):
    monkeypatch.setattr(module, "listening", lambda: {"8081": "container old"})
    with pytest.raises(Refused, match="port 8081 is held by container old"):
        edge_apply(attempt)


@pytest.mark.parametrize("address", ["192.0.2.7", "2001:db8::7"])
def test_an_address_that_this_host_lacks_is_named_before_anything_is_interrupted(attempt, address):
    attempt.store.releases.write(replace(RECORD, number=2, routes=(Route("web", 80, 8081, address),)))
    with pytest.raises(Refused, match=f"this host has no address {address}"):
        edge_apply(attempt)


def test_the_operator_sees_which_addresses_come_stay_and_go(attempt, monkeypatch):
    lines: list[str] = []
    held = [HeldRoute("web", 80, 8080, number=1), HeldRoute("old", 90, 9090, number=1)]
    write_json(attempt.store.edge / "routes.json", [address.encode() for address in held])
    monkeypatch.setattr(module, "ask", lambda attempt, each: lines.extend(each))
    monkeypatch.setattr(module, "act", lambda *_: None)
    assert edge_apply(attempt).outcome == "applied"
    assert lines == [
        "added: 0.0.0.0:8081 (web:80)",
        "gone: 0.0.0.0:9090 (old:90)",
        "stays while the live release answers there: 0.0.0.0:8080",
        "every route is interrupted while the edge is recreated, for about a second",
    ]
    assert attempt.store.releases.record("R1").state == "applied"


def test_an_older_edge_gets_reserved_names_where_its_engine_can_have_them(attempt, monkeypatch, fake_engine):
    lines: list[str] = []
    monkeypatch.setattr(module, "ask", lambda attempt, each: lines.extend(each))
    monkeypatch.setattr(module, "act", lambda *_: None)
    attempt.store.releases.write(replace(RECORD, number=2, routes=(Route("web", 80, 8080),)))
    publish(attempt.store.edge, without="dns")
    fake_engine.know("/version", {"Version": "23.0.6"})
    assert edge_apply(attempt).outcome == "unchanged"
    fake_engine.know("/version", {"Version": "24.0.0"})
    assert edge_apply(attempt).outcome == "applied" and lines[0].startswith("changed: the edge asks for services by")


def test_an_edge_of_an_older_switchyard_is_recreated_within_its_walls_by_an_apply_alone(attempt, monkeypatch):
    lines: list[str] = []
    monkeypatch.setattr(module, "ask", lambda attempt, each: lines.extend(each))
    monkeypatch.setattr(module, "act", lambda *_: None)
    attempt.store.releases.write(replace(RECORD, number=2, routes=(Route("web", 80, 8080),)))
    assert edge_apply(attempt).outcome == "unchanged"
    publish(attempt.store.edge, without="read_only")
    assert edge_apply(attempt).outcome == "applied" and lines[0] == "new in its container: read_only"
