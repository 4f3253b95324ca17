"""A release is judged by what this host really has where its documents point."""

from __future__ import annotations

from dataclasses import replace

import pytest

from switchyard.core.wire.request import Waiver
from switchyard.host import reach
from switchyard.host.reach import place_of, reaching
from tests.harness.fake_engine import listed
from tests.harness.release_record import RECORD, unsent_pack


@pytest.fixture
def engine(fake_engine):
    fake_engine.know("/info", {"DockerRootDir": "/var/lib/docker"})
    return fake_engine


def test_roots_of_other_applications_are_those_beside_this_one_and_those_of_edges(new_store, engine):
    beside = new_store.root.parent / "other"
    (beside / "releases").mkdir(parents=True)
    (beside / "layout").write_text("1")
    edge = {**listed("e", app="far", kind="edge"), "Mounts": [{"Type": "bind", "Source": "/srv/far/edge/cfg"}]}
    engine.know("/containers/json", [edge])
    assert place_of(new_store, "shop").others == tuple(sorted((str(beside), "/srv/far")))


def test_one_reason_is_told_once_although_both_colours_have_it(new_store, engine):
    document = {"services": {"web": {"volumes": [{"type": "bind", "source": "/etc", "target": "/x"}]}}}
    pack = replace(unsent_pack(RECORD), colours={"blue": document, "green": document})
    (reason,) = reaching(new_store, "shop", pack, ())
    assert "service web: volumes: /etc" in reason
    assert list(reaching(new_store, "shop", pack, [Waiver("host-path", "web:/etc")])) == []


def test_a_release_without_a_path_of_the_host_asks_the_engine_nothing(new_store, monkeypatch):
    monkeypatch.setattr(reach.engine, "containers", None)
    assert list(reaching(new_store, "shop", unsent_pack(RECORD), ())) == []
