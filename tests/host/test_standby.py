"""The old colour stops when its standby is over, and not before."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from switchyard.core.app import App
from switchyard.core.site import Site, Slot
from switchyard.core.steps import Step
from switchyard.host import observe, standby
from switchyard.host.standby import end_standby
from tests.harness.release_record import RECORD


@pytest.mark.parametrize(
    "age,front,stops",
    [(901, "healthy", True), (901, "starting", True), (899, "healthy", False), (901, "stopped", False)],
)
def test_standby_ends_by_the_time_since_the_switch(holder, monkeypatch, age, front, stops):
    record = replace(RECORD, state="live", since=time.time() - age, app=App("shop", standby=900))
    holder.store.releases.write(record)
    site = Site(blue=Slot("R1", "healthy"), green=Slot("R0", front), proxy="blue", map_file="blue")
    monkeypatch.setattr(observe, "site", lambda *_: site)
    steps: list[Step] = []
    monkeypatch.setattr(standby, "act", lambda attempt, step: steps.append(step))
    end_standby(holder)
    assert steps == ([Step("standby", "green")] if stops else [])


def test_where_nothing_is_live_nothing_stands_by(holder, monkeypatch):
    monkeypatch.setattr(observe, "site", lambda *_: Site(green=Slot("R0", "healthy")))
    end_standby(holder)
    assert holder.store.journal.read() == ([], [])
