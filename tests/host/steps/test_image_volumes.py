"""What images that are here declare, and a release does not mount: refused before anything of it starts."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from switchyard.core.app import App
from switchyard.core.errors import Refused
from switchyard.host.adapters import engine
from switchyard.host.adapters.files import write_json
from switchyard.host.steps.image_volumes import refuse_unnamed_volumes
from tests.harness.release_record import RECORD

KINDS = {"routed": True, "plain": True, "handover": True, "oneshot": False}


@pytest.mark.parametrize("kind,mounts", [*product(KINDS, ("/data", "/data/", "/dat", None))])
def test_each_kind_that_a_colour_keeps_up_mounts_something_at_the_very_path(new_store, monkeypatch, kind, mounts):
    volumes = [{"type": "volume", "source": "v", "target": mounts}] if mounts else []
    write_json(new_store.release("R1") / "blue.json", {"services": {"x": {"volumes": volumes}}})
    monkeypatch.setattr(engine, "image_volumes", lambda image: ("/data",))
    record = replace(RECORD, kinds={"x": kind}, app=App("shop"))
    if not KINDS[kind] or (mounts or "").rstrip("/") == "/data":
        refuse_unnamed_volumes(new_store, record, {"x": "sha256:1"})
        return
    with pytest.raises(Refused, match=r'service x: /data is an anonymous volume.*"x:/data": volume'):
        refuse_unnamed_volumes(new_store, record, {"x": "sha256:1"})
    discarded = replace(record, app=App("shop", data={"x:/data": "discard"}))
    refuse_unnamed_volumes(new_store, discarded, {"x": "sha256:1"})
