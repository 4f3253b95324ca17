"""What can be scaled, and what stays of a scale that fails."""

from __future__ import annotations

from dataclasses import replace

import pytest

from switchyard.core.errors import BadInput, Refused, SwitchyardError
from switchyard.core.site import Site, Slot
from switchyard.host import observe, standby
from switchyard.host.verbs import scale as module
from switchyard.host.verbs.scale import scale
from tests.harness.attempts import begin_attempt
from tests.harness.release_record import RECORD


@pytest.fixture
def live(new_store, monkeypatch) -> None:
    new_store.releases.write(
        replace(RECORD, front=("web", "mail"), kinds={"worker": "handover", "web": "routed", "mail": "plain"})
    )
    site = Site(blue=Slot("R1", "healthy"), proxy="blue", map_file="blue")
    monkeypatch.setattr(observe, "site", lambda *_: site)
    monkeypatch.setattr(standby, "act", lambda *_: None)


@pytest.mark.parametrize(
    "service,count,message",
    [
        ("worker", 2, r"worker cannot be scaled: it is handover; these can: web, mail"),
        ("none", 2, r"none cannot be scaled: there is no such service; these can: web, mail"),
        ("web", 0, r"--count 0: the edge reaches 1 to 8 containers of a routed service"),
        ("web", 9, r"--count 9: the edge reaches 1 to 8 containers of a routed service"),
        ("mail", 0, r"--count 0: 1 or more"),
    ],
)
def test_what_cannot_be_scaled_is_named(new_store, live, service, count, message):
    with pytest.raises(BadInput, match=message):
        scale(begin_attempt(new_store, verb="scale", service=service, count=count))


def test_where_nothing_is_live_there_is_nothing_to_scale(holder, monkeypatch):
    monkeypatch.setattr(observe, "site", lambda *_: Site())
    with pytest.raises(Refused, match="nothing is live here"):
        scale(holder)


@pytest.mark.parametrize("fails", [True, False])
def test_a_scale_that_fails_leaves_the_number_of_before(new_store, live, monkeypatch, fails):
    def act(*_: object) -> None:
        if fails:
            raise SwitchyardError("web: exited")

    monkeypatch.setattr(module, "act", act)
    new_store.set_scales({"web": 2})
    attempt = begin_attempt(new_store, verb="scale", service="web", count=3)
    if fails:
        with pytest.raises(SwitchyardError):
            scale(attempt)
    else:
        assert scale(attempt).outcome == "scaled"
    assert new_store.scales() == {"web": 2 if fails else 3}
