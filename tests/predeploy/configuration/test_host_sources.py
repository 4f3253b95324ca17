"""Files and folders that services mount of a host are looked at on every machine before a deploy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from switchyard.control.builds import image_facts
from switchyard.core.app import App
from switchyard.core.compose_document import Document
from switchyard.core.wire.answers import FileRights, Files, Place, Places
from switchyard.core.wire.request import Request, Waiver
from switchyard.predeploy.configuration.host_sources import run
from switchyard.predeploy.engine.result import Result
from switchyard.settings.predeploy import WaiverSetting
from tests.harness.shop_documents import bind

BY_HAND = {"sources": "test_a_source_that_lacks_fails_and_one_that_is_there_passes"}
APP = App("shop", kinds={"web": "routed"})
SECRET = {"secrets": [{"source": "token"}], "user": "1001"}
THERE = FileRights(mode="0644", owner="deploy", uid=1000, gid=1000)


def looked(
    service: dict[str, Any],
    rights: dict[str, FileRights | None],
    *,
    leads: dict[str, str] | None = None,
    **subject: Any,
) -> Result:
    """Look at the sources of a service, on a machine that answers with these rights. ``leads``: links there."""
    web = {"image": "x", "ports": [{"target": 80, "published": "8080", "protocol": "tcp"}], **service}
    document = Document.decode({"services": {"web": web}, "secrets": {"token": {"file": "/srv/t"}}})

    def ask(request: Request, answer: type[Files] | type[Places]) -> Files | Places:
        if answer is Files:
            return Files({path: rights[path] for path in request.paths})
        return Places({path: (leads or {}).get(path, path) for path in request.paths}, Place("/srv/shop", "/home/me"))

    channel = SimpleNamespace(request=lambda verb: Request(verb, "shop", "/srv/shop"), ask=ask)
    answer = SimpleNamespace(facts=SimpleNamespace(root="/srv/shop", image_volumes={}))
    fields: dict[str, Any] = {"document": document, "app": APP, "top": Path(__file__).parent, "host": "prod"}
    fields["clean"] = True
    fields["images"] = image_facts(document, fields["top"], fields["app"])
    fields |= {"unresolved": "", "setting": SimpleNamespace(waive=[]), "waivers": (), "machine": "prod1", **subject}
    one = SimpleNamespace(**fields, channel=channel, answer=answer)
    one.read_machines = lambda read: ([(one, read(one))], [])
    return run(one)


def test_a_source_that_lacks_fails_and_one_that_is_there_passes():
    lacking = looked({"volumes": [bind("/srv/x")]}, {"/srv/x": None})
    assert lacking.outcome == "fail" and "prod1: service web: volumes: /srv/x: the host has no /srv/x" in str(lacking)
    assert looked({"volumes": [bind("/srv/x")]}, {"/srv/x": THERE}).outcome == "pass"


@pytest.mark.parametrize("mode,outcome", [("0640", "fail"), ("0644", "pass")])
def test_a_secret_that_the_service_s_user_cannot_read_fails(mode, outcome):
    rights = FileRights(mode=mode, owner="deploy", uid=1000, gid=1000)
    assert looked(SECRET, {"/srv/t": rights}).outcome == outcome


def test_what_cannot_be_looked_at_is_unknown():
    result = looked({"volumes": [bind("/srv/x")]}, {"/srv/x": FileRights(why="Permission denied")})
    assert result.outcome == "unknown" and "prod1: service web" in result.reason


def test_without_sources_or_a_host_there_is_nothing_to_look_at():
    assert looked({"volumes": [bind("./code")]}, {}).outcome == "skipped"
    assert "--host" in looked(SECRET, {}, host=None).reason


def test_a_finding_can_be_waived():
    waiver = WaiverSetting(rule="source-missing", where="*no /srv/x", reason="it comes later")
    setting = SimpleNamespace(waive=[waiver])
    assert looked({"volumes": [bind("/srv/x")]}, {"/srv/x": None}, setting=setting).outcome == "pass"


@pytest.mark.parametrize(
    "source,path,leads",
    [("/etc", "/etc", {}), ("/srv/x", "/srv/x", {"/srv/x": "/etc"}), ("./up", "", {"/srv/shop/data/up": "/etc"})],
)
def test_a_source_that_leads_to_what_is_not_the_application_s_is_refused_as_by_a_deploy(source, path, leads):
    service, rights = {"volumes": [bind(source)]}, {path: THERE}
    app = replace(APP, data={"./up": "data"} if source == "./up" else {})
    result = looked(service, rights, app=app, leads=leads)
    assert result.outcome == "fail"
    (finding,) = result.findings
    assert finding.rule == "host-path" and "prod1: service web: volumes: " in finding.what
    assert 'waive: [{rule: host-path, where: "web:/etc", reason: WHY}]' in finding.do
    assert looked(service, rights, app=app, leads=leads, waivers=(Waiver("host-path", "web:/etc"),)).outcome == "pass"
    if leads:
        assert looked(service, rights, app=app).outcome == "pass"


def test_where_sources_lead_is_unknown_where_the_document_cannot_be_split():
    result = looked({"volumes": [bind("/srv/x")], "build": {"context": "../out"}}, {"/srv/x": THERE})
    assert result.outcome == "unknown" and "what services reach of the host is unknown: " in result.reason
