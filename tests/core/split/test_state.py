"""Where volumes, tracked files and state are on the host."""

from __future__ import annotations

import copy
from itertools import product
from typing import Any

import pytest

from switchyard.core.errors import BadInput
from switchyard.core.split.state import PLACEHOLDERS
from tests.harness.shop_documents import (
    DOCUMENT,
    ROOT,
    bind,
    only_mount,
    problems,
    split_document,
    split_shop,
    split_web,
    web_of,
)


def test_a_volume_that_the_file_gives_a_name_keeps_it_and_one_named_after_the_project_gets_the_application_s():
    document = copy.deepcopy(DOCUMENT)
    for project, given, kept in (("shop", "prod_pgdata", "prod_pgdata"), ("old", "old_pgdata", "shop_pgdata")):
        document.update(name=project, volumes={"pgdata": {"name": given}})
        parts = split_document(document)
        assert parts.volumes == {"pgdata": kept}
        assert parts.shared["volumes"] == {"pgdata": {"name": kept, "external": True}}


def test_a_volume_of_the_settings_is_the_one_that_is_mounted():
    parts = split_shop(volumes={"pgdata": "before_pgdata"})
    assert parts.shared["volumes"] == {"pgdata": {"name": "before_pgdata", "external": True}}
    assert parts.volumes == {"pgdata": "before_pgdata"}


def test_a_volume_that_the_compose_file_calls_external_keeps_its_name():
    document = copy.deepcopy(DOCUMENT)
    document["volumes"]["pgdata"] = {"name": "corporate", "external": True}
    parts = split_document(document)
    assert parts.shared["volumes"] == {"pgdata": {"name": "corporate", "external": True}}


@pytest.mark.parametrize("source", ["./conf", "conf/", "./conf/site.ini"])
def test_a_tracked_bind_is_the_releases_own_and_read_only(source):
    mount = only_mount(split_shop({"web": {"volumes": [bind(source)]}}))
    assert mount["source"].startswith(f"{ROOT}/releases/R7/files/conf")
    assert mount["read_only"] is True and mount["bind"]["create_host_path"] is False


def test_an_untracked_bind_is_an_error_until_the_settings_say_where_it_is():
    change = {"web": {"volumes": [bind("./uploads")]}}
    words = problems(change)
    assert "service web: volumes: ./uploads" in words and 'data: {"./uploads": data}' in words
    parts = split_shop(change, data={"./uploads": "data"})
    assert only_mount(parts)["source"] == f"{ROOT}/data/uploads" and "read_only" not in only_mount(parts)
    assert parts.data == ("uploads",)


def test_a_folder_whose_name_only_begins_like_a_tracked_one_is_not_tracked():
    assert "./con:" in problems({"web": {"volumes": [bind("./con")]}})


def test_the_whole_folder_can_be_mounted_and_a_name_may_begin_with_dots():
    assert web_of(split_web({"volumes": [bind(".")]}))["volumes"][0]["source"] == "/r/releases/R/files"
    assert web_of(split_web({"volumes": [bind("./..odd")]}))["volumes"][0]["source"] == "/r/releases/R/files/..odd"


def test_a_writable_source_is_found_however_it_is_written():
    (mount,) = web_of(split_web({"volumes": [bind("./conf")]}, writable=("conf/",)))["volumes"]
    assert "read_only" not in mount


def test_what_the_settings_call_data_is_data_also_where_git_tracks_a_file_of_it():
    (mount,) = web_of(split_web({"volumes": [bind("./uploads")]}, data={"uploads": "data"}))["volumes"]
    assert mount["source"] == "/r/data/uploads" and "read_only" not in mount


def test_a_secret_file_is_never_made_as_a_folder():
    top = {"secrets": {"s": {"file": "./s.txt"}}}
    parts = split_web({"secrets": [{"source": "s"}]}, top=top, data={"./s.txt": "data"})
    assert parts.data == () and parts.colours["green"]["secrets"] == {"s": {"file": "/r/data/s.txt"}}


@pytest.mark.parametrize("name", PLACEHOLDERS)
def test_a_folder_that_git_only_keeps_is_no_code(name):
    with pytest.raises(BadInput, match=f"the commit has only uploads/{name} of it"):
        split_web({"volumes": [bind("./uploads")]}, tracked=(f"uploads/{name}",))


WRITES: dict[str, tuple[dict[str, Any], str]] = {
    "a volume": ({"volumes": [{"type": "volume", "source": "v", "target": "/v"}]}, "volume v"),
    "a folder of the host": ({"volumes": [bind("/srv/v", target="/v")]}, "the folder /srv/v"),
    "a folder at home": ({"volumes": [bind("~/v", target="/v")]}, "the folder ~/v"),
    "data": ({"volumes": [bind("./v")]}, "the folder ./v"),
}


@pytest.mark.parametrize("kind,form", [*product(("routed", "plain", "handover", "shared", "oneshot"), WRITES)])
def test_two_writers_are_told_wherever_both_colours_run_what_writes_state(kind, form):
    keys, state = WRITES[form]
    ports = [{"target": 81, "published": "81"}] if kind == "routed" else []
    other = {"image": "x", "ports": ports, **keys}
    notes = split_web({}, {"x": other}, kinds={"x": kind}, data={"./v": "data"} if form == "data" else {}).notes
    words = f"x is {kind} and writes to {state}: while both colours are up, two of it write there at once"
    assert any(note.startswith(words) for note in notes) is (kind in ("routed", "plain"))


@pytest.mark.parametrize("kind", ["routed", "plain"])
def test_two_servers_of_state_are_told_as_such(kind):
    database = {"image": "postgres", "ports": [{"target": 5432, "published": "5432"}], **WRITES["a volume"][0]}
    if kind == "plain":
        database["ports"] = []
    notes = split_web({}, {"db": database}, kinds={"db": kind}).notes
    assert any("two servers of state (its image postgres keeps state) write there at once" in note for note in notes)


@pytest.mark.parametrize("kind", ["shared", "handover", "plain"])
@pytest.mark.parametrize("more", [{"scale": 2}, {"deploy": {"replicas": 2}}])
def test_two_replicas_of_one_server_of_state_are_refused(kind, more):
    with pytest.raises(BadInput, match=r"service db: deploy.replicas: its image postgres keeps state, and 2 of it"):
        split_web({}, {"db": {"image": "postgres", **WRITES["a volume"][0], **more}}, kinds={"db": kind})
    split_web({}, {"db": {"image": "postgres", **more}}, kinds={"db": kind})
