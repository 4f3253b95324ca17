"""Images that no build makes are chosen once, when their release is received, and pinned."""

from __future__ import annotations

from dataclasses import replace

import pytest

from switchyard.core import edge
from switchyard.core.compose_document import Document
from switchyard.core.pull_policy import Answer
from switchyard.core.wire.release import Pin
from switchyard.core.wire.request import Request
from switchyard.host import release_images
from switchyard.host.adapters import registry
from switchyard.host.adapters.files import write_json
from switchyard.host.prune import unnamed_pins
from switchyard.host.queries.admission import admission
from switchyard.host.release_images import (
    Needed,
    choose_edge,
    choose_images,
    fetch,
    images_of_commit,
    moved,
    needed_images,
    require_image,
    shared_images,
)
from switchyard.host.shared_changes import changes_to_apply, shared_changes
from tests.harness.release_record import RECORD, unsent_pack

OLD, NEW, OTHER = ("sha256:" + digit * 64 for digit in "123")
"""Ids of images."""
BEFORE, AFTER = ("sha256:" + digit * 64 for digit in "ab")
"""Digests."""
LIVE = replace(RECORD, pulls={"cache": "redis:8"}, images={"cache": OLD}, state="good")


def known(name):
    """Every image that is here is the application's."""
    return ""


@pytest.fixture
def answers(monkeypatch):
    """What registries answer; one that no test names does not answer."""
    known: dict[str, Answer] = {}
    monkeypatch.setattr(
        registry, "ask", lambda name, within: known.get(name, Answer(failure="unreachable", text="off"))
    )
    return known


def have(fake_engine, image_id, *names):
    """Let the engine have an image under these names."""
    digests = [name for name in names if "@" in name]
    for name in (image_id, *names):
        path = f"/images/{name.replace(':', '%3A').replace('/', '%2F').replace('@', '%40')}/json"
        fake_engine.know(path, {"Id": image_id, "RepoDigests": digests, "RepoTags": []})


def test_a_tag_that_moved_is_pinned_by_its_digest_and_named(store, fake_engine, answers):
    have(fake_engine, OLD, "redis:8", f"redis@{BEFORE}")
    answers["redis:8"] = Answer(AFTER)
    chosen = choose_images(store, Needed({"cache": "redis:8"}, {}, {}), LIVE, strange=known)
    assert chosen.pins["cache"].image == f"redis@{AFTER}" and chosen.pins["cache"].answered and chosen.moves
    assert chosen.notes == [f"service cache: redis:8 moves from {BEFORE[:19]} to {AFTER[:19]}"]


def test_a_tag_that_did_not_move_is_no_change(store, fake_engine, answers):
    have(fake_engine, OLD, "redis:8", f"redis@{BEFORE}")
    answers["redis:8"] = Answer(BEFORE)
    chosen = choose_images(store, Needed({"cache": "redis:8"}, {}, {}), LIVE, strange=known)
    assert chosen.pins["cache"].image == f"redis@{BEFORE}" and not chosen.moves and not chosen.notes


@pytest.mark.parametrize("names,pin", [(("redis:8",), OLD), (("redis:8", f"redis@{BEFORE}"), f"redis@{BEFORE}")])
def test_without_a_registry_the_image_that_is_here_is_used_and_told(store, fake_engine, answers, names, pin):
    have(fake_engine, OLD, *names)
    chosen = choose_images(
        store, Needed({"cache": "redis:8", "more": "docker.io/redis:8"}, {}, {}), LIVE, strange=known
    )
    assert chosen.pins == {"cache": Pin(pin), "more": Pin(pin)} and not chosen.moves
    (note,) = chosen.notes
    assert note.startswith("services cache, more: redis:8: the registry docker.io does not answer (off): the image")


def test_what_the_live_release_runs_stands_in_for_a_name_that_is_gone(store, fake_engine, answers):
    have(fake_engine, OLD)
    assert choose_images(store, Needed({"cache": "redis:8"}, {}, {}), LIVE, strange=known).pins == {"cache": Pin(OLD)}


def test_an_image_that_nobody_has_is_a_problem_that_names_service_and_image(store, fake_engine, answers):
    chosen = choose_images(store, Needed({"cache": "redis:8"}, {}, {}), None, strange=known)
    assert chosen.pins == {} and "service cache: redis:8: the registry docker.io does not answer" in chosen.problems[0]


def test_an_answer_holds_for_as_long_as_the_policy_says(store, fake_engine, answers, monkeypatch):
    have(fake_engine, OLD, "docker.io/library/redis:8", f"redis@{BEFORE}")
    pins = {"cache": Pin(f"redis@{BEFORE}", 1000.0)}
    store.releases.write(replace(LIVE, pins=pins))
    needed = Needed({"cache": "docker.io/library/redis:8"}, {"cache": "every_1h"}, {})
    monkeypatch.setattr(release_images.time, "time", lambda: 4000.0)
    assert choose_images(store, needed, LIVE, strange=known).pins == pins
    monkeypatch.setattr(release_images.time, "time", lambda: 5000.0)
    answers["docker.io/library/redis:8"] = Answer(BEFORE)
    assert choose_images(store, needed, LIVE, strange=known).pins == {"cache": Pin(f"redis@{BEFORE}", 5000.0)}


def test_a_deploy_leaves_running_shared_services_on_theirs_and_an_apply_asks_for_them_alone(
    store, fake_engine, answers
):
    write_json(store.shared / "compose.json", {"services": {"db": {"image": OLD}, "gone": {"image": OTHER}}})
    have(fake_engine, OLD)
    pulls = {"db": "postgres:17", "tool": "tool:1"}
    needed = needed_images(store, "deploy", pulls, {}, {"db", "gone"})
    assert needed == Needed(pulls, {}, {"db": OLD}) and shared_images(store) == {"db": OLD}
    have(fake_engine, NEW, "tool:1")
    assert choose_images(store, needed, None, strange=known).pins == {"db": Pin(OLD), "tool": Pin(NEW)}
    assert needed_images(store, "shared.apply", pulls, {}, {"db"}) == Needed({"db": "postgres:17"}, {}, {})
    assert needed_images(store, "edge.apply", pulls, {}, {"db"}).pulls == {}


def test_an_apply_changes_a_shared_service_whose_image_is_another_one(store, fake_engine):
    write_json(store.shared / "compose.json", {"services": {"db": {"image": OLD}, "same": {"image": NEW}}})
    services = {name: {"image": "x"} for name in ("db", "same")}
    write_json(store.shared / "wanted.json", {"services": services})
    write_json(store.release("R1") / "shared.json", {"services": services})
    have(fake_engine, OLD)
    have(fake_engine, NEW, f"same@{BEFORE}")
    record = replace(RECORD, pins={"db": Pin(f"postgres@{AFTER}"), "same": Pin(f"same@{BEFORE}")})
    assert changes_to_apply(store, record) == {"db": ["image"]}


def test_a_way_back_takes_what_the_commit_ran_before(store, fake_engine):
    store.releases.write(replace(LIVE, commit="c", pulls={"cache": "redis:8", "gone": "a", "new": "b"}))
    store.releases.write(
        replace(LIVE, id="R2", number=2, commit="c", pulls=LIVE.pulls, images={"cache": OLD, "gone": OTHER})
    )
    have(fake_engine, OLD)
    assert images_of_commit(store, "c", {"cache": "redis:8", "gone": "a"}) == {"cache": OLD}
    assert images_of_commit(store, "c", {"cache": "redis:9"}) == {} == images_of_commit(store, "d", {})


def test_a_pulled_image_takes_its_name_along(holder, fake_engine, monkeypatch):
    commands = []
    monkeypatch.setattr(holder.commands, "run", lambda argv: (commands.append(argv), have(fake_engine, NEW, pin)))
    pin = f"redis@{AFTER}"
    have(fake_engine, OLD, "redis:8")
    assert fetch(holder.commands, "redis:8", pin) == NEW
    assert commands == [["docker", "pull", "--quiet", pin], ["docker", "tag", NEW, "redis:8"]]
    have(fake_engine, NEW, "redis:8", pin)
    for name in ("redis:8", pin, ""):
        assert fetch(holder.commands, name, NEW if not name else pin) == NEW
    assert len(commands) == 2 and moved({"cache": Pin(pin)}, {"cache": OLD}) == ["cache"]
    assert moved({"cache": Pin(pin)}, {"cache": NEW, "other": OLD}) == []
    with pytest.raises(Exception, match="image none:1 is not here"):
        require_image("none:1")


def test_a_deleted_release_takes_pulled_images_along_that_nothing_names_any_more(fake_engine):
    used, unused, gone = (f"redis@sha256:{digit * 64}" for digit in "abc")
    have(fake_engine, OLD, unused)
    have(fake_engine, NEW, used)
    fake_engine.answers["GET", f"/images/{used.replace(':', '%3A').replace('@', '%40')}/json"]["RepoTags"] = ["redis:8"]
    pins = {name: Pin(image) for name, image in {"a": used, "b": unused, "c": gone, "d": OLD}.items()}
    assert unnamed_pins(replace(RECORD, pins=pins)) == [unused]


def test_the_edge_follows_its_tag_at_its_own_apply(fake_engine, answers):
    assert "the edge: haproxy:3.0: the registry docker.io does not answer" in choose_edge(known).problems[0]
    have(fake_engine, OLD, edge.IMAGE)
    assert choose_edge(known).pins == {"edge": Pin(OLD)}
    answers[edge.IMAGE] = Answer(AFTER)
    assert choose_edge(known).pins["edge"].image == f"haproxy@{AFTER}"


def test_a_plan_tells_what_a_deploy_would_pull_and_why_it_would_be_refused(store, fake_engine, answers):
    have(fake_engine, OLD, "redis:8", f"redis@{BEFORE}")
    have(fake_engine, OTHER, edge.IMAGE)
    answers["redis:8"] = Answer(AFTER)
    pulls = {"cache": "redis:8", "none": "none:1", "here": f"redis@{BEFORE}"}
    pack = unsent_pack(replace(RECORD, pulls=pulls, pull_policies={"none": "always"}))
    answer = admission(store, Request("admission", "shop", "", pack=pack))
    planned = {name: (image.is_here, image.is_named) for name, image in answer.images.items()}
    assert planned == {"cache": (False, False), "here": (True, True)}
    assert len(answer.reasons) == 1 and "service none: none:1" in answer.reasons[0]


def test_a_shared_service_that_names_another_image_is_changed_except_where_the_host_does_not_know_the_name(store):
    def document(**keys):
        return Document.decode({"services": {"db": {"image": "switchyard/shop/db:shared", **keys}}})

    before, after = ({"x-switchyard-image": f"postgres:{version}"} for version in (16, 17))
    assert shared_changes(store, document(**before), document(**after), {}) == {"db": ["image"]}
    assert shared_changes(store, document(**before), document(**before), {}) == {}
    assert shared_changes(store, document(), document(**after), {}) == {}
