"""The edge of a host: what stands in the way of its previews is named, and nothing unproven is published."""

from __future__ import annotations

from dataclasses import replace
from typing import NoReturn

import pytest

from switchyard.core.app import Route
from switchyard.core.errors import TAKEN_BACK, NotChecked, SwitchyardError
from switchyard.core.held_routes import HeldRoute
from switchyard.core.site import Site, Slot
from switchyard.host import backup, edge_documents, observe
from switchyard.host.adapters.files import read_json, write, write_json
from switchyard.host.command_runner import CommandRunner
from switchyard.host.steps import edge as module
from switchyard.host.steps.edge import PREVIEW_PORTS, _free_port, apply, settle
from tests.harness.release_record import RECORD

IMAGE = "sha256:" + "1" * 64


def test_no_free_loopback_port_is_named():
    with pytest.raises(SwitchyardError, match="no loopback port between 20000 and 32700 is free"):
        _free_port(set(PREVIEW_PORTS))


@pytest.fixture
def commands(monkeypatch):
    """The commands that the attempt runs."""
    ran: list[list[str]] = []
    monkeypatch.setattr(CommandRunner, "run", lambda self, argv, **_: ran.append(argv) or "")
    return ran


@pytest.fixture
def attempt(holder, commands, monkeypatch):
    """R0 is live in blue at 8080. R1, in green, wants 8081 and is not proven. The edge's container does not answer."""
    releases, home = holder.store.releases, holder.store.edge
    releases.write(replace(RECORD, id="R0", routes=(Route("web", 80, 8080),), state="good"))
    releases.write(replace(RECORD, number=2, routes=(Route("web", 80, 8081),)))
    for name, value in (("previews", {}), ("compose", {"old": True})):
        write_json(home / f"{name}.json", value)
    write_json(home / "routes.json", [HeldRoute("web", 80, 8080, number=1).encode()])
    write(home / "maps" / "live.map", "live blue\n")
    write(home / "cfg" / "haproxy.cfg", "of R1")
    holder.wanted.id = "R1"
    monkeypatch.setattr(module, "releases_in_colours", lambda app: {"blue": "R0", "green": "R1"})
    monkeypatch.setattr(module, "edge_containers", lambda app: [])
    monkeypatch.setattr(module, "listening", dict)
    monkeypatch.setattr(module, "_image", lambda attempt: IMAGE)
    monkeypatch.setattr(module, "RECREATED_WITHIN", 0.1)
    site = Site(Slot("R0", "healthy"), Slot("R1"), map_file="blue")
    monkeypatch.setattr(observe, "site", lambda *_: site)
    return holder


def configuration(attempt):
    return (attempt.store.edge / "cfg" / "haproxy.cfg").read_text()


def documents(attempt):
    return {name: read_json(attempt.store.edge / name) for name in edge_documents.DOCUMENTS}


def test_an_edge_that_is_settled_leads_to_what_is_live_alone_and_is_left_alone(attempt, commands):
    settle(attempt)
    settled = configuration(attempt)
    assert settled.count("frontend 0.0.0.0:8080") == 1 and "8081" not in settled and commands == []
    path = attempt.store.edge / "cfg" / "haproxy.cfg"
    before = path.stat()
    settle(attempt)
    assert path.stat() == before


def test_an_edge_that_a_dead_apply_recreated_goes_back_to_the_published_addresses(attempt, commands):
    published = documents(attempt)
    edge_documents.draft(attempt.store.edge, [HeldRoute("web", 80, 8081, number=2)], {}, {"new": True})
    assert backup.unfinished(attempt.store) == ["edge.apply"]
    settle(attempt)
    (up,) = commands
    assert up[:6] == ["docker", "compose", "-p", "shop-edge", "-f", str(attempt.store.edge / "compose.json")]
    assert documents(attempt) == published and backup.unfinished(attempt.store) == []


def test_the_engine_that_is_away_leaves_the_edge_to_the_next_verb(attempt, monkeypatch):
    def fail(app: str) -> NoReturn:
        raise NotChecked("the engine is away")

    monkeypatch.setattr(module, "releases_in_colours", fail)
    module.settle_if_possible(attempt)
    assert "the edge still has the configuration" in (attempt.folder / "events.jsonl").read_text()


def test_an_apply_publishes_only_an_edge_that_answers(attempt, commands):
    published = documents(attempt)
    with pytest.raises(SwitchyardError, match="does not come back") as caught:
        apply(attempt, "")
    assert caught.value.exit != TAKEN_BACK and documents(attempt) == published
    drafts = [argv[5].removeprefix(f"{attempt.store.edge}/") for argv in commands if "compose" in argv]
    assert drafts == ["draft/compose.json", "compose.json"] and "8081" not in configuration(attempt)


def test_an_apply_publishes_the_edge_that_answers(attempt, monkeypatch):
    monkeypatch.setattr(module, "_reaches", lambda *_: True)
    apply(attempt, "")
    routes = read_json(attempt.store.edge / "routes.json")
    assert [route["listen"] for route in routes] == [8081, 8080]
    assert "frontend 0.0.0.0:8081" in configuration(attempt) and not edge_documents.is_drafted(attempt.store.edge)


def test_a_backup_of_an_older_version_is_where_an_apply_goes_back_to(attempt, monkeypatch):
    monkeypatch.setattr(module, "_reaches", lambda *_: True)
    backup.keep(attempt.store.edge, ())
    write_json(attempt.store.edge / "routes.json", [])
    apply(attempt, "")
    assert [route["listen"] for route in read_json(attempt.store.edge / "routes.json")] == [8081, 8080]
    assert backup.unfinished(attempt.store) == []
