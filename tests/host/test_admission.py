"""The host takes no tree but the one that predeploy checked, and writes down what was let through."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from switchyard.core.app import Check, Route
from switchyard.core.errors import Refused
from switchyard.core.wire.checks import ChecksRecord
from switchyard.core.wire.facts import LiveRelease
from switchyard.core.wire.release import Pack
from switchyard.host import admission
from switchyard.host.adapters.files import write_json
from switchyard.host.adapters.store import Store
from switchyard.host.admission import Digests, admit, journal_overrides, unchecked
from switchyard.host.attempt import Attempt
from switchyard.host.release_images import Chosen
from switchyard.host.repository import Repository
from tests.harness.attempts import begin_attempt
from tests.harness.fake_engine import FakeEngine
from tests.harness.release_record import RECORD, unsent_pack


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "root")
    store.prepare()
    git(tmp_path, "init", "--quiet", "--bare", str(store.repo))
    git(tmp_path, "init", "--quiet", "work")
    for number in ("1", "2"):
        (tmp_path / "work" / "file").write_text(number)
        git(tmp_path / "work", "add", "--all")
        git(tmp_path / "work", "commit", "--quiet", "--message", number)
    git(tmp_path / "work", "push", "--quiet", str(store.repo), "HEAD:refs/heads/all")
    return store


@pytest.fixture
def attempt(store: Store) -> Attempt:
    return begin_attempt(store, app="shop")


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def repository(attempt: Attempt) -> Repository:
    return Repository(attempt.store.repo, attempt.tick)


def pack_of(store: Store, checked: str | None, overridden: str = "", commit: str = "all", *routes: Route) -> Pack:
    """A pack of a commit; ``checked`` names the tree that predeploy looked at."""
    record = replace(RECORD, id="release", commit=git(store.repo, "rev-parse", commit), routes=routes)
    checks = None if checked is None else ChecksRecord(git(store.repo, "rev-parse", checked), {}, overridden)
    tree = git(store.repo, "rev-parse", f"{commit}^{{tree}}")
    return replace(unsent_pack(record), tree=tree, checks=checks)


def test_the_tree_that_was_checked_goes_on(attempt):
    pack = pack_of(attempt.store, "all^{tree}")
    assert list(unchecked(attempt, pack)) == []
    journal_overrides(attempt, pack)
    assert attempt.store.journal.read() == ([], [])


@pytest.mark.parametrize("checked", ["all~1^{tree}", None])
def test_another_tree_or_none_is_refused(attempt, checked):
    (reason,) = unchecked(attempt, pack_of(attempt.store, checked))
    assert "its result is of another tree" in reason


def test_a_way_back_needs_no_check(store):
    attempt = begin_attempt(store, app="shop", back=True)
    assert list(unchecked(attempt, pack_of(store, None))) == []


def test_what_was_let_through_stands_in_the_journal_with_its_reason(attempt):
    journal_overrides(attempt, pack_of(attempt.store, "all^{tree}", "without lint (a hot fix)"))
    (entry,), problems = attempt.store.journal.read()
    assert (entry.step, entry.what, entry.why, problems) == (
        "predeploy",
        "overridden",
        "without lint (a hot fix)",
        [],
    )


DIGESTS = Digests("env", "settings")


@pytest.fixture
def live(store: Store, fake_engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> str:
    """The newest commit, live with the env and the settings of ``DIGESTS``."""
    record = replace(RECORD, commit=git(store.repo, "rev-parse", "all"), env_digest="env", settings="settings")
    store.releases.write(record)
    shown = LiveRelease("blue", record.id, 1, record.commit, "", "good", None, (), {}, None)
    monkeypatch.setattr(admission, "live_release", lambda *_: shown)
    monkeypatch.setattr(admission, "strange_mounts", lambda *_: [])
    return record.id


def test_what_is_live_already_with_the_same_env_and_settings_is_found(attempt, live):
    pack = pack_of(attempt.store, "all^{tree}")
    assert admit(attempt, repository(attempt), pack, DIGESTS).id == live
    assert admit(attempt, repository(attempt), pack, Digests("env", "other")) is None
    assert admit(attempt, repository(attempt), pack, DIGESTS, Chosen(moves=True)) is None


def test_with_force_the_same_commit_is_deployed_again(store, live):
    attempt = begin_attempt(store, app="shop", force=True)
    assert admit(attempt, repository(attempt), pack_of(store, "all^{tree}"), DIGESTS) is None


def test_a_commit_that_the_live_one_does_not_lead_to_is_refused_unless_that_is_allowed(store, live):
    pack = pack_of(store, "all~1^{tree}", "", "all~1")
    attempt = begin_attempt(store, app="shop")
    with pytest.raises(Refused, match=r"is not a descendant of .* somebody deployed something newer"):
        admit(attempt, repository(attempt), pack, DIGESTS)
    attempt = begin_attempt(store, app="shop", allow_downgrade=True)
    assert admit(attempt, repository(attempt), pack, DIGESTS) is None


def test_a_commit_that_was_rolled_back_from_with_this_env_is_refused_unless_forced(store, live):
    pack = pack_of(store, "all~1^{tree}", "", "all~1")
    store.releases.write(replace(RECORD, id="R0", commit=pack.commit, env_digest="env", state="bad"))
    attempt = begin_attempt(store, app="shop", allow_downgrade=True)
    with pytest.raises(Refused, match="with this env is bad: R0 was rolled back from"):
        admit(attempt, repository(attempt), pack, DIGESTS)
    assert admit(attempt, repository(attempt), pack, Digests("other", "settings")) is None
    for change in ({"kinds": {"job": "oneshot"}}, {"checks": {"web": Check(80)}}, {"healthy_within": 9}):
        corrected = replace(pack, app=replace(pack.app, **change))
        assert admit(attempt, repository(attempt), corrected, DIGESTS) is None
    attempt = begin_attempt(store, app="shop", allow_downgrade=True, force=True)
    assert admit(attempt, repository(attempt), pack, DIGESTS) is None


def test_addresses_that_the_edge_does_not_hold_are_refused_with_the_way_to_get_them(store, live):
    write_json(store.edge / "routes.json", [Route("web", 80, 8080).encode()])
    pack = pack_of(store, "all^{tree}", "", "all", Route("web", 80, 8080), Route("web", 80, 9090))
    attempt = begin_attempt(store, app="shop", host="prod")
    with pytest.raises(Refused, match=r"does not hold 0.0.0.0:9090 \(for web:80\): .*inv edge.apply --host prod"):
        admit(attempt, repository(attempt), pack, Digests("env", "other"))


PLANTS = {
    "unfinished": "inv edge.apply was cut short",
    "bad": "with this env is bad: R0",
    "older": "is not a descendant of",
    "mounts": "is mounted by a stranger",
    "shared": "shared services changed",
    "addresses": "the edge does not hold 0.0.0.0:9090 (for web:80)",
    "unchecked": "its result is of another tree",
    "images": "service cache: redis:8: nobody has it",
}
"""Every obstacle that the host refuses, with the words that name it."""


@pytest.mark.parametrize("left_out", [None, *PLANTS])
def test_everything_that_stops_a_deploy_is_told_in_one_refusal(store, live, monkeypatch, left_out):
    planted = PLANTS.keys() - {left_out}
    pack = pack_of(
        store, "all^{tree}" if "unchecked" in planted else "all~1^{tree}", "", "all~1", Route("web", 80, 9090)
    )
    if "older" not in planted:
        shown = admission.live_release(store, "shop")
        store.releases.write(replace(store.releases.require(shown.id), commit=pack.commit))
    if "bad" in planted:
        store.releases.write(replace(RECORD, id="R0", commit=pack.commit, env_digest="env", state="bad"))
    if "mounts" in planted:
        monkeypatch.setattr(admission, "strange_mounts", lambda *_: ["volume data is mounted by a stranger"])
    write_json(store.edge / "routes.json", [Route("web", 80, 8080 if "addresses" in planted else 9090).encode()])
    write_json(store.shared / "wanted.json", {"services": {"db": {"image": "postgres"}} if "shared" in planted else {}})
    if "unfinished" in planted:
        (store.edge / "before").mkdir()
    with pytest.raises(Refused) as caught:
        attempt, images = begin_attempt(store, app="shop", host="prod"), Chosen()
        images.problems += [PLANTS["images"]] if "images" in planted else []
        admit(attempt, repository(attempt), pack, DIGESTS, images)
    told = {name for name, words in PLANTS.items() if words in str(caught.value)}
    assert told == planted and len(str(caught.value).splitlines()) == len(planted)


def test_a_damaged_record_of_the_same_commit_may_be_a_bad_one_and_stops_its_deploy_alone(store, live):
    pack = pack_of(store, "all^{tree}")
    other = Digests("env", "other")
    for name, is_of_it in ((f"20260101T000000Z-{pack.commit[:7]}", True), ("20260101T000000Z-0000000", False)):
        path = store.release(name) / "release.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text("{")
        if is_of_it:
            with pytest.raises(Refused, match=r"is bad is not known: .*release\.json is damaged"):
                admit(begin_attempt(store, app="shop"), repository(begin_attempt(store)), pack, other)
            path.unlink()
    assert admit(begin_attempt(store, app="shop"), repository(begin_attempt(store)), pack, other) is None


def test_variables_that_are_dropped_are_journaled(attempt, store):
    attempt.request = replace(attempt.request, drop_env=("A", "B"))
    journal_overrides(attempt, unsent_pack(RECORD))
    (entry,) = store.journal.read()[0]
    assert entry.why == "--drop-env: without A, B of the live release"


@pytest.mark.parametrize("alias", ["web-blue", "WEB-green"])
@pytest.mark.parametrize("service", ["web-blue", "other", "web"])
@pytest.mark.parametrize("key", ["aliases", "hostname"])
def test_a_name_by_which_the_edge_knows_a_service_of_the_live_release_is_refused(store, live, service, alias, key):
    store.releases.write(replace(store.releases.require(live), routes=(Route("web", 80, 8080),)))
    answers = {"hostname": alias} if key == "hostname" else {"networks": {"default": {"aliases": [service, alias]}}}
    documents = {"services": {service: answers}}
    pack = replace(pack_of(store, "all^{tree}"), colours={"blue": documents})
    attempt, other = begin_attempt(store, app="shop"), Digests("env", "other")
    if service == "web":
        assert admit(attempt, repository(attempt), pack, other) is None
        return
    with pytest.raises(Refused, match=rf"service {service}: .* by which the edge knows web of the live release"):
        admit(attempt, repository(attempt), pack, other)
