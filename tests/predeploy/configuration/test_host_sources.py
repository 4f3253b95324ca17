"""Files and folders that services mount of a host are looked at on every machine before a deploy."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from switchyard.control.builds import image_facts
from switchyard.core.app import App
from switchyard.core.compose_document import Document
from switchyard.core.wire.answers import FileRights, Files
from switchyard.predeploy.configuration.host_sources import run
from switchyard.predeploy.engine.result import Result
from switchyard.settings.predeploy import WaiverSetting
from tests.harness.shop_documents import bind

BY_HAND = {"sources": "test_a_source_that_lacks_fails_and_one_that_is_there_passes"}
SECRET = {"secrets": [{"source": "token"}], "user": "1001"}
THERE = FileRights(mode="0644", owner="deploy", uid=1000, gid=1000)


def looked(service: dict[str, Any], rights: dict[str, FileRights | None], **subject: Any) -> Result:
    """Look at the sources of a service, on a machine that answers with these rights."""
    document = Document.decode({"services": {"web": service}, "secrets": {"token": {"file": "/srv/t"}}})
    channel = SimpleNamespace(
        request=lambda verb: FakeRequest(verb), ask=lambda request, answer: Files({p: rights[p] for p in request.paths})
    )
    answer = SimpleNamespace(facts=SimpleNamespace(root="/srv/shop"))
    fields: dict[str, Any] = {"document": document, "app": App("shop"), "top": Path("/"), "host": "prod"}
    fields["images"] = image_facts(document, fields["top"], fields["app"])
    fields |= {"unresolved": "", "setting": SimpleNamespace(waive=[]), "waivers": (), "machine": "prod1", **subject}
    one = SimpleNamespace(**fields, channel=channel, answer=answer)
    one.read_machines = lambda read: ([(one, read(one))], [])
    return run(one)


class FakeRequest:
    """Stands for a request whose paths are replaced."""

    def __new__(cls, verb: str) -> Any:
        from switchyard.core.wire.request import Request

        assert verb == "files"
        return Request(verb, "shop", "/srv/shop")


def test_a_source_that_lacks_fails_and_one_that_is_there_passes():
    lacking = looked({"volumes": [bind("/srv/x")]}, {"/srv/x": None})
    assert lacking.outcome == "fail" and "prod1: service web: volumes: /srv/x: the host has no /srv/x" in str(lacking)
    assert looked({"volumes": [bind("/srv/x")]}, {"/srv/x": THERE}).outcome == "pass"


@pytest.mark.parametrize("mode,outcome", [("0640", "fail"), ("0644", "pass")])
def test_a_secret_that_the_service_s_user_cannot_read_fails(mode, outcome):
    rights = FileRights(mode=mode, owner="deploy", uid=1000, gid=1000)
    assert looked(SECRET, {"/srv/t": rights}).outcome == outcome


def test_what_cannot_be_looked_at_is_unknown():
    result = looked({"volumes": [bind("/root/x")]}, {"/root/x": FileRights(why="Permission denied")})
    assert result.outcome == "unknown" and "prod1: service web" in result.reason


def test_without_sources_or_a_host_there_is_nothing_to_look_at():
    assert looked({"volumes": [bind("./code")]}, {}).outcome == "skipped"
    assert "--host" in looked(SECRET, {}, host=None).reason


def test_a_finding_can_be_waived():
    waiver = WaiverSetting(rule="source-missing", where="*no /srv/x", reason="it comes later")
    setting = SimpleNamespace(waive=[waiver])
    assert looked({"volumes": [bind("/srv/x")]}, {"/srv/x": None}, setting=setting).outcome == "pass"
