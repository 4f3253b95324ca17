"""A release is judged by what this host really has where its documents point."""

from __future__ import annotations

from dataclasses import replace

import pytest

from switchyard.core.compose_document import Document
from switchyard.core.errors import SwitchyardError
from switchyard.core.wire.request import Waiver
from switchyard.host import reach
from switchyard.host.reach import place_of, places_of, reaching, require_own
from tests.harness.fake_engine import listed
from tests.harness.release_record import RECORD, unsent_pack
from tests.harness.shop_documents import bind


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


def test_what_was_admitted_stays_admitted_while_it_leads_where_it_led(new_store, engine, tmp_path):
    waived = replace(unsent_pack(RECORD), colours={"blue": {"services": {"web": {"volumes": [bind("/etc")]}}}})
    document = Document.decode(waived.colours["blue"])
    require_own(new_store, "shop", document, ["web"])  # an older Switchyard admitted it, and told nothing of it
    new_store.releases.write(replace(RECORD, places=places_of(waived)))
    require_own(new_store, "shop", document, ["web"])
    new_store.releases.write(replace(RECORD, places={"/etc": "/srv/etc"}))
    with pytest.raises(SwitchyardError, match="service web is not started: volumes: /etc"):
        require_own(new_store, "shop", document, ["web"])
    require_own(new_store, "shop", document, ["api"])
