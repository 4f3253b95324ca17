"""The switch: the lease says so before traffic moves, and what began on the old colour may finish there."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from switchyard.core.app import Route
from switchyard.core.site import Site, Slot
from switchyard.host import observe
from switchyard.host.steps.switch import switch
from tests.harness.release_record import RECORD, record

SITE = Site(blue=Slot("R1", "healthy"), green=Slot("R2", "healthy"), proxy="blue", map_file="blue")


class Edge:
    """An edge that notes its maps, and whether the lease knew of the switch when traffic moved."""

    def __init__(self, attempt, monkeypatch) -> None:
        self.maps: dict[str, str] = {}
        self.lease_knew = False
        monkeypatch.setattr(observe, "site", lambda *_: SITE)
        monkeypatch.setattr(attempt.proxy, "fill", lambda name, text: self.maps.update({name: text}))
        monkeypatch.setattr(attempt.proxy, "switch", lambda colour: self.note(attempt.store.lease.current().switched))
        monkeypatch.setattr(attempt.proxy, "connections", lambda colour: 3)

    def note(self, knew: bool) -> None:
        self.lease_knew = knew


@pytest.fixture
def edge(holder, monkeypatch) -> Edge:
    holder.store.releases.write(replace(RECORD, id="R2", number=2, routes=(Route("web", 80, 8080, affinity=True),)))
    holder.store.releases.write(record(1, "good"))
    holder.wanted.id = "R2"
    return Edge(holder, monkeypatch)


def event_of(attempt) -> dict[str, object]:
    (line,) = (attempt.folder / "events.jsonl").read_text().splitlines()
    return dict(json.loads(line))


def test_a_deploy_s_switch_is_known_to_the_lease_first_and_lets_the_old_colour_drain(holder, edge):
    switch(holder, "green")
    assert edge.lease_knew and edge.maps["drain"].startswith("R1 ")
    assert event_of(holder).items() >= {"event": "switched", "colour": "green", "was": "blue", "left": 0}.items()
    live = holder.store.releases.record("R2")
    assert (live.state, live.colour) == ("live", "green") and live.since
    assert (holder.store.root / "current").readlink().name == "green"


def test_a_way_back_lets_nothing_drain_and_counts_what_stayed_open(holder, edge, monkeypatch):
    monkeypatch.setattr(observe, "site", lambda *_: replace(SITE, proxy="green", map_file="green"))
    switch(holder, "blue")
    assert edge.maps["drain"] == "" and event_of(holder)["left"] == 3
    assert holder.store.releases.record("R1").state == "good", "what traffic goes back to keeps its state"


def test_a_switch_to_none_marks_no_release(holder, edge):
    switch(holder, "none")
    assert event_of(holder)["release"] is None and holder.store.releases.record("R2").state == "prepared"


@pytest.mark.parametrize("single,goes_on", [("healthy", True), ("stopped", False)])
def test_a_switch_lets_waiting_requests_through_to_exclusive_services_that_run(
    holder, edge, monkeypatch, single, goes_on
):
    """Where a switch that was cut off is put back, they do not run."""
    green = Slot("R2", "healthy", single, exclusive=True)
    monkeypatch.setattr(observe, "site", lambda *_: replace(SITE, green=green, hold="on"))
    holder.memory.proven["single green"] = frozenset()
    switch(holder, "green")
    assert (edge.maps.get("hold") == "") is goes_on
    assert "single green" not in holder.memory.proven, "workers are still to be proven"
