"""Each verb that only looks answers with its own type, in the form that the control node reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from switchyard.core.app import App, Check, Route
from switchyard.core.errors import BadInput, Refused
from switchyard.core.journal import EndEntry
from switchyard.core.redact import GONE
from switchyard.core.wire import answers
from switchyard.core.wire.message import Json, Message
from switchyard.core.wire.request import Request
from switchyard.host import backup
from switchyard.host.adapters import probe
from switchyard.host.adapters.container import Container
from switchyard.host.adapters.files import write, write_json
from switchyard.host.adapters.store import Store
from switchyard.host.admission import digests_of
from switchyard.host.queries import QUERIES, health
from switchyard.host.queries.admission import admission
from switchyard.host.queries.allowed import allowed
from switchyard.host.queries.changes import changes
from switchyard.host.queries.checks import checks
from switchyard.host.queries.container_files import container_files
from switchyard.host.queries.doctor import doctor
from switchyard.host.queries.drift import of_services
from switchyard.host.queries.env import env
from switchyard.host.queries.execute import execute
from switchyard.host.queries.files import files
from switchyard.host.queries.history import history
from switchyard.host.queries.logs import logs
from switchyard.host.queries.places import places
from switchyard.host.queries.plan_facts import plan_facts
from switchyard.host.queries.previews import previews
from switchyard.host.queries.rollback_target import rollback_target
from switchyard.host.queries.running import running_container
from switchyard.host.queries.secrets import every_redactor
from switchyard.host.queries.status import status
from tests.harness.fake_engine import FakeEngine, listed
from tests.harness.release_record import RECORD, record, unsent_pack

IMAGE = "sha256:" + "1" * 64
ANSWERS: Mapping[str, type[Message]] = {
    "facts": answers.PlanFacts,
    "allowed": answers.Allowed,
    "changes": answers.Changes,
    "admission": answers.Admission,
    "target": answers.RollbackTarget,
    "env": answers.Env,
    "checks": answers.ChecksAnswer,
    "files": answers.Files,
    "places": answers.Places,
    "held": answers.ContainerFiles,
    "status": answers.Status,
    "history": answers.History,
    "logs": answers.Logs,
    "doctor": answers.DoctorAnswer,
    "exec": answers.ExecResult,
    "previews": answers.Previews,
}


def ask(store: Store, verb: str, **fields: Json) -> Message:
    """Answer a request as the channel does, over the wire and back."""
    value: dict[str, Json] = {"v": 1, "verb": verb, "app": "shop", "root": str(store.root), **fields}
    return ANSWERS[verb].decode(QUERIES[verb](store, Request.decode(value)).encode())


@pytest.fixture
def shop(store: Store, fake_engine: FakeEngine) -> Store:
    """R2 is live in green with web and its cache; R1 stands behind it."""
    live = replace(
        RECORD,
        id="R2",
        number=2,
        state="good",
        commit="2abc",
        app=App("shop", checks={"web": Check(80)}),
        routes=(Route("web", 80, 8080),),
        front=("web",),
        images={"web": IMAGE},
        since=5.0,
    )
    for each in (record(1), live):
        store.releases.write(each)
    folder = store.release("R2")
    write(folder / "env", "TOKEN=canary-3f9a1c\n")
    write_json(folder / "values.json", ["canary-3f9a1c"])
    write_json(folder / "green.json", {"services": {"web": {}}})
    write_json(folder / "compose.json", {"services": {"web": {"image": "a", "command": "x"}}})
    write(store.edge / "maps" / "live.map", "live green\n")
    write_json(store.edge / "routes.json", [route.encode() for route in live.routes])
    write_json(store.shared / "compose.json", {"services": {"cache": {}}})
    web = listed("web-1", service="web", kind="routed", colour="green", release="R2")
    fake_engine.know("/containers/json", [web, listed("cache-1", service="cache", kind="shared")])
    fake_engine.know("/containers/web-1/json", {"Id": "web-1", "State": {"Status": "running", "Running": True}})
    fake_engine.know(f"/images/{IMAGE.replace(':', '%3A')}/json", {"Id": IMAGE})
    return store


def test_every_query_has_an_answer_type_and_a_module_of_its_own():
    assert QUERIES.keys() == ANSWERS.keys()
    assert set(QUERIES.values()) == {
        admission,
        allowed,
        changes,
        checks,
        container_files,
        doctor,
        env,
        execute,
        files,
        history,
        logs,
        plan_facts,
        previews,
        rollback_target,
        status,
        places,
    }


def test_a_service_that_does_not_run_has_no_container_and_secrets_are_those_of_every_release(shop):
    assert running_container(shop, "shop", "api") is None
    cache = running_container(shop, "shop", "cache")
    assert cache is not None and cache.id == "cache-1"
    assert every_redactor(shop)("it is canary-3f9a1c") == f"it is {GONE}"
    assert of_services(shop, [], "green") == ["the shared service cache runs 0 of 1 times: inv deploy ships anew"]
    web = [Container.decode(listed("web", service="web", kind="routed", colour="green", release="R2"))]
    (problem,) = of_services(shop, web, "green")
    assert problem == "the shared service cache runs 0 of 1 times: inv rollback --to R2 starts what is missing"


def test_facts_and_doctor_report_the_live_release_and_what_a_deploy_relies_on(shop, fake_engine):
    fake_engine.know("/images/json", [{"RepoTags": ["web:1"]}])
    fake_engine.know("/networks", [{"Driver": "bridge"}, {"Driver": "bridge", "Labels": {"switchyard.app": "shop"}}])
    facts = ask(shop, "facts")
    assert (facts.live.id, facts.live.colour, facts.number, facts.commits) == ("R2", "green", 2, ("2abc", "1abc"))
    assert facts.images == ("web:1",) and facts.site.map_file == "green" and facts.site.green.release == "R2"
    report = ask(shop, "doctor")
    assert report.networks_free == 30 and report.journal == () and report.plain == ()


def test_changes_name_services_and_keys_and_no_value_leaves(shop):
    after = {"web": {"image": "a", "command": "secret"}, "new": {}}
    assert ask(shop, "changes", services=after) == answers.Changes({"web": ("command",)})


def test_a_release_is_judged_before_it_is_sent_and_nothing_stands_against_the_live_one(shop, monkeypatch):
    monkeypatch.setattr("switchyard.host.adapters.proxy.Proxy.live", lambda _: "green")
    pack = unsent_pack(replace(RECORD, commit="2abc", routes=(Route("web", 80, 8080),)))
    digests = digests_of(shop, pack)
    write_json(
        shop.release("R2") / "release.json",
        replace(shop.releases.require("R2"), tree="", env_digest=digests.env, settings=digests.settings).encode(),
    )
    assert ask(shop, "admission", pack=pack.encode()) == answers.Admission(True, (), {}, ())
    moved = replace(pack, routes=(Route("web", 80, 9090),), env="A=1\n", commit="3abc")
    again = ask(shop, "admission", pack=moved.encode(), descends=False)
    assert not again.is_live and len(again.reasons) == 2
    assert "3abc is not a descendant of 2abc" in again.reasons[0] and "does not hold 0.0.0.0:9090" in again.reasons[1]
    (shop.edge / "before").mkdir()
    again = ask(shop, "admission", pack=moved.encode(), descends=False)
    assert "was cut short" in again.reasons[0] and len(again.reasons) == 3


def test_the_target_of_a_rollback_is_the_release_before(shop):
    assert ask(shop, "target") == answers.RollbackTarget("R1", "1abc")
    assert ask(shop, "target", to="2abc").release == "R2"


def test_the_env_is_the_live_release_s_and_without_one_it_is_refused(shop, fake_engine):
    assert ask(shop, "env") == answers.Env("TOKEN=canary-3f9a1c\n")
    fake_engine.know("/containers/json", [])
    with pytest.raises(Refused, match=r"nothing is live here, .*Name env\.files for the first deploy"):
        ask(shop, "env")


def test_checks_tell_who_holds_the_lease_and_where_containers_are(shop):
    assert ask(shop, "checks").held is None
    shop.lease.take("20260101T000000-abcdef", "deploy", "ann@laptop")
    found = ask(shop, "checks")
    assert found.held.holder.attempt == "20260101T000000-abcdef" and "ann@laptop holds" in found.held.why
    assert [(each.service, each.kind, each.running) for each in found.shared] == [
        ("web", "routed", True),
        ("cache", "shared", True),
    ]
    assert found.tools.keys() == {"docker", "python", "compose", "git"} and found.baseline is None


def test_files_have_rights_and_no_content(shop, tmp_path):
    (tmp_path / "file").write_text("secret")
    (tmp_path / "file").chmod(0o600)
    found = ask(shop, "files", files=[str(tmp_path / "file"), str(tmp_path / "none")])
    assert found.files[str(tmp_path / "file")].mode == "0600" and found.files[str(tmp_path / "none")] is None


def test_files_of_containers_are_read_or_it_is_said_why_not(shop, fake_engine):
    fake_engine.know("/containers/web-1/exec", {"Id": "e"}, "POST")
    fake_engine.know("/exec/e/start", b"swordfish\n", "POST")
    fake_engine.know("/exec/e/json", {"ExitCode": 0})
    paths = {"cache": ["/a"], "web": ["/b"], "none": ["/c"]}
    fake_engine.know("/containers/cache-1/exec", {"Id": "x"}, "POST")
    fake_engine.know("/exec/x/start", b"no such file", "POST")
    fake_engine.know("/exec/x/json", {"ExitCode": 1})
    found = ask(shop, "held", container_files=paths).held
    assert found["none"] == {"/c": answers.FileText(why="it does not run")}
    assert found["cache"] == {"/a": answers.FileText(why="no such file")}


def test_history_is_the_last_attempts(shop):
    for number in range(3):
        entry = EndEntry(
            attempt="A", release=None, host=None, step="deploy", what="live", exit=0, who=f"{number}", was=None, why=""
        )
        shop.journal.append(entry)
    assert [entry.who for entry in ask(shop, "history", count=2).attempts] == ["1", "2"]


def test_logs_and_commands_are_without_any_secret(shop, fake_engine, monkeypatch):
    monkeypatch.setattr("switchyard.host.adapters.proxy.Proxy.live", lambda _: "green")
    fake_engine.know("/containers/web-1/logs", b"token canary-3f9a1c\n")
    fake_engine.know("/containers/web-1/exec", {"Id": "e"}, "POST")
    fake_engine.know("/exec/e/start", b"canary-3f9a1c", "POST")
    fake_engine.know("/exec/e/json", {"ExitCode": 3})
    assert ask(shop, "logs", service="web").containers == {"web-1": f"token {GONE}"}
    assert ask(shop, "exec", service="web", command="cat 'a b'") == answers.ExecResult(3, GONE)
    assert [each.body["Cmd"] for each in fake_engine.requests if each.body and "Cmd" in each.body] == [["cat", "a b"]]
    with pytest.raises(BadInput, match="no running service of the live colour is called api"):
        ask(shop, "exec", service="api", command="ls")


@pytest.mark.parametrize("passes", [True, False])
def test_status_shows_the_live_colour_with_its_health_and_what_is_kept(shop, monkeypatch, passes):
    monkeypatch.setattr(probe, "once", lambda *_: probe.Answer(passes, ""))
    monkeypatch.setattr(health, "PROBES_WITHIN", 60.0)  # whatever else this machine does
    shown = ask(shop, "status")
    assert (shown.live.colour, shown.live.release, shown.live.commit, shown.live.healthy) == (
        "green",
        "R2",
        "2abc",
        passes,
    )
    assert shown.idle is None and shown.lease is None and [each.release for each in shown.kept] == ["R2", "R1"]
    assert (shown.proxy, shown.map_file) == ("down", "green")
    assert shown.drift == ("the map file says green, the running proxy down",)


def test_status_names_every_kind_of_drift_with_what_to_do_about_it(shop, fake_engine):
    write_json(shop.release("R2") / "green.json", {"services": {"web": {"deploy": {"replicas": 2}}}})
    mount: list[Json] = [{"Type": "volume", "Name": "data", "RW": True}]
    write_json(shop.shared / "compose.json", {"services": {"cache": {}, "db": {}}, "volumes": {"data": {}}})
    web = listed("web-1", service="web", kind="routed", colour="green", release="R2", image="sha256:" + "2" * 64)
    stranger = {**listed("old-db", app=None), "Mounts": mount}
    plain = listed("plain-1", app=None, project="shop", service="web")
    fake_engine.know("/containers/json", [web, listed("cache-1", service="cache", kind="shared"), stranger, plain])
    backup.keep(shop.edge, ())
    drift = "\n".join(ask(shop, "status").drift)
    for sentence in (
        "web of green runs sha256:222222222222, its release says sha256:111111111111",
        "container old-db mounts volume data beside the shared service. Stop it now",
        "web of the plain project shop runs in ?. Stop it there with docker compose down, without -v",
        "web of green, which is live, runs 1 of 2 times",
        "the shared service db runs 0 of 1 times",
        "inv edge.apply was cut short. Run it again",
    ):
        assert sentence in drift, drift


def test_what_an_attempt_is_about_to_bring_up_is_no_drift(shop, fake_engine):
    shop.lease.take("20260101T000000-abcdef", "deploy", "ann@laptop")
    fake_engine.know("/containers/json", [])
    shown = ask(shop, "status")
    assert shown.drift == ("the map file says green, the running proxy down",)
    assert (shown.lease.who, shown.lease.doing, shown.lease.ended) == ("ann@laptop", "deploy", None)
