"""This machine as a site."""

from __future__ import annotations

from dataclasses import replace

import pytest

from switchyard.core.app import Route
from switchyard.core.site import Site
from switchyard.core.wire.release import OneshotOutcome
from switchyard.host import observe
from switchyard.host.adapters.files import write, write_json
from switchyard.host.adapters.proxy import Proxy
from switchyard.host.edge_configuration import wanted
from switchyard.host.memory import Memory
from tests.harness.fake_engine import listed
from tests.harness.release_record import RECORD

ROUTE = Route("web", 80, 8080)
IMAGE = "sha256:" + "1" * 64


def test_an_empty_host_is_an_empty_site(store, fake_engine):
    assert observe.site(store, "shop", "", Memory()) == Site()


def test_what_an_attempt_learnt_stands_in_the_site(store, fake_engine):
    site = observe.site(store, "shop", "", Memory(smoke="ok", verdict="looked"))
    assert (site.smoke, site.verdict) == ("ok", "looked")


@pytest.mark.parametrize(
    "changes,is_built,stage",
    [
        ({"received": False}, True, "absent"),
        ({}, True, "received"),
        ({"images": {"web": IMAGE}}, False, "received"),
        ({"images": {"web": IMAGE}}, True, "built"),
        ({"images": {"web": IMAGE}, "outcomes": {"migrate": OneshotOutcome(begun=1.0)}}, True, "built"),
        ({"images": {"web": IMAGE}, "outcomes": {"migrate": OneshotOutcome(exit=1, seconds=1)}}, True, "broken"),
        ({"images": {"web": IMAGE}, "outcomes": {"migrate": OneshotOutcome(exit=0, seconds=1)}}, True, "ran"),
    ],
)
def test_how_far_a_release_is_follows_from_its_recorded_outcomes(fake_engine, changes, is_built, stage):
    if is_built:
        fake_engine.know(f"/images/{IMAGE.replace(':', '%3A')}/json", {"Id": IMAGE})
    assert observe.stage(replace(RECORD, front=("web",), oneshots=("migrate",), **changes)) == stage
    assert observe.stage(None) == "absent"


def test_shared_services_run_once_laid_with_their_networks_and_are_healthy_once_proven(store, fake_engine):
    record = replace(RECORD, shared=("db",))
    store.releases.write(record)
    fake_engine.know("/containers/json", [listed("db", service="db", kind="shared")])

    memory = Memory()

    def shared() -> str:
        return observe.site(store, "shop", "R1", memory).shared

    assert shared() == "absent"
    write(store.shared / "ready", "")
    fake_engine.know("/networks/shop-blue", {})
    assert shared() == "absent"
    fake_engine.know("/networks/shop-green", {})
    assert shared() == "running"
    fake_engine.know("/containers/db/json", {"Id": "db", "State": {"StartedAt": "2026-01-01T00:00:00Z"}})
    memory.proven["shared"] = frozenset({("db", "2026-01-01T00:00:00Z")})
    assert shared() == "healthy"
    write_json(store.shared / "compose.json", {"services": {"db": {"deploy": {"replicas": 2}}}})
    assert shared() == "absent"
    write_json(store.shared / "compose.json", {"services": {"db": {}}})
    fake_engine.know("/containers/json", [listed("db", service="db", kind="shared", state="exited")])
    assert shared() == "absent"
    memory.failed["shared"] = "db: exited"
    assert shared() == "failed"


@pytest.mark.parametrize("need", [{"volumes": ("shop_new",)}, {"data": ("uploads",)}])
def test_a_release_that_needs_what_the_host_lacks_finds_its_foundation_absent(store, fake_engine, need):
    write(store.shared / "ready", "")
    for colour in ("blue", "green"):
        fake_engine.know(f"/networks/shop-{colour}", {})
    store.releases.write(replace(RECORD, **need))
    assert observe.site(store, "shop", "R1", Memory()).shared == "absent"
    fake_engine.know("/volumes/shop_new", {})
    (store.data / "uploads").mkdir()
    assert observe.site(store, "shop", "R1", Memory()).shared == "healthy"


def test_the_edge_is_current_only_with_the_configuration_and_the_backends_that_the_release_needs(
    store, fake_engine, monkeypatch
):
    store.releases.write(replace(RECORD, routes=(ROUTE,)))
    monkeypatch.setattr(Proxy, "backends", lambda _: {"web-80_blue", "web-80_green"})

    def state(release: str = "R1") -> str:
        return observe.site(store, "shop", release, Memory()).edge

    assert state() == "absent"
    fake_engine.know("/containers/json", [listed("edge", service="edge", kind="edge")])
    assert (state(), state("")) == ("absent", "current")
    write(store.edge / "cfg" / "haproxy.cfg", "another")
    assert state() == "stale"
    write(store.edge / "cfg" / "haproxy.cfg", wanted(store, "shop", "R1", Site()).configuration)
    assert state() == "current"
    monkeypatch.setattr(Proxy, "backends", lambda _: {"web-80_blue"})
    assert state() == "stale"
    write_json(store.edge / "routes.json", [])
    assert state() == "stale"
