"""What would split wrongly in silence is an error that names service, key and setting, or a note."""

from __future__ import annotations

from typing import Any

import pytest

from switchyard.core.app import App, RouteEntry
from switchyard.core.compose_document import Document
from switchyard.core.errors import BadInput
from switchyard.core.split import Split, split
from switchyard.verbs.services import documents

WEB = {"build": {"context": "."}, "ports": [{"target": 80, "published": "80"}]}
TRACKED = ("Dockerfile", "conf/a.ini", "uploads/.gitkeep", "..odd/file")


def bind(source: str, **more: Any) -> dict[str, Any]:
    return {"type": "bind", "source": source, "target": f"/{source.strip('./')}", **more}


def parts(web: dict[str, Any], others: dict[str, Any] | None = None, *, top: Any = None, **settings: Any) -> Split:
    document = {"services": {"web": {**WEB, **web}, **(others or {})}, **(top or {})}
    return split(
        Document.decode(document), app=App("shop", **settings), release="R", root="/r", tracked=TRACKED, folder="."
    )


def web_of(found: Split) -> dict[str, Any]:
    return found.colours["blue"]["services"]["web"]


DATABASE = {
    "image": "example/own-database:1",
    "ports": [{"target": 5432, "published": "5432"}],
    "volumes": [{"type": "volume", "source": "d", "target": "/d"}],
}
ERRORS: dict[str, tuple[dict[str, Any], dict[str, Any], list[str]]] = {
    "two data folders of one name": (
        {"volumes": [bind("./a/up"), bind("./b/up")]},
        {"data": {"./a/up": "data", "./b/up": "data"}},
        ["service web", "volumes", "./b/up", "data/up", "app.data"],
    ),
    "a folder that git only keeps": ({"volumes": [bind("./uploads")]}, {}, ["service web", "uploads/.gitkeep", "data"]),
    "an external network": (
        {"networks": {"corp": None}},
        {"top": {"networks": {"corp": {"external": True}}}},
        ["service web", "networks", "corp", "external"],
    ),
    "a fixed address": (
        {"networks": {"default": {"ipv4_address": "10.1.1.1"}}},
        {},
        ["service web", "networks.default.ipv4_address"],
    ),
    "an unknown server of state": ({}, {"others": {"db": DATABASE}}, ["service db", "kinds", "db: shared"]),
    "a routed service without a route": (
        {},
        {"others": {"x": {"image": "x"}}, "kinds": {"x": "routed"}},
        ["service x", "app.routes", "app.kinds.x"],
    ),
    "secrets of a build": (
        {"build": {"context": ".", "secrets": [{"source": "s"}]}},
        {},
        ["service web", "build.secrets"],
    ),
    "a context outside": ({"build": {"context": "../.."}}, {}, ["service web", "build", "../..", "outside"]),
    "volumes that nobody uses": ({}, {"volumes": {"slip": "x"}}, ["app.volumes.slip"]),
    "data that nobody mounts": ({}, {"data": {"./slip": "data"}}, ["app.data", "./slip"]),
    "writable that nobody mounts": ({}, {"writable": ("slip",)}, ["app.writable", "slip"]),
    "a driver of its own": (
        {"volumes": [{"type": "volume", "source": "v", "target": "/v"}]},
        {"top": {"volumes": {"v": {"driver_opts": {"type": "nfs"}}}}},
        ["service web", "volumes", "app.volumes.v"],
    ),
    "a global mode": ({"deploy": {"mode": "global"}}, {}, ["service web", "deploy.mode"]),
}


@pytest.mark.parametrize("name", ERRORS)
def test_what_would_go_wrong_in_silence_is_an_error(name):
    web, more, words = ERRORS[name]
    with pytest.raises(BadInput) as caught:
        parts(web, **more)
    assert [word for word in words if word not in str(caught.value)] == [], str(caught.value)


def test_a_service_scaled_to_none_stays_at_none():
    assert web_of(parts({"scale": 0}))["deploy"]["replicas"] == 0


def test_the_whole_folder_can_be_mounted_and_a_name_may_begin_with_dots():
    assert web_of(parts({"volumes": [bind(".")]}))["volumes"][0]["source"] == "/r/releases/R/files"
    assert web_of(parts({"volumes": [bind("./..odd")]}))["volumes"][0]["source"] == "/r/releases/R/files/..odd"


def test_a_writable_source_is_found_however_it_is_written():
    (mount,) = web_of(parts({"volumes": [bind("./conf")]}, writable=("conf/",)))["volumes"]
    assert "read_only" not in mount


def test_what_the_settings_call_data_is_data_also_where_git_tracks_a_file_of_it():
    (mount,) = web_of(parts({"volumes": [bind("./uploads")]}, data={"uploads": "data"}))["volumes"]
    assert mount["source"] == "/r/data/uploads" and "read_only" not in mount


def test_a_secret_file_is_never_made_as_a_folder():
    top = {"secrets": {"s": {"file": "./s.txt"}}}
    found = parts({"secrets": [{"source": "s"}]}, top=top, data={"./s.txt": "data"})
    assert found.data == () and found.colours["green"]["secrets"] == {"s": {"file": "/r/data/s.txt"}}


def test_a_bind_source_that_must_exist_is_not_made():
    (mount,) = web_of(parts({"volumes": [bind("/srv/x", bind={"create_host_path": False})]}))["volumes"]
    assert mount["bind"]["create_host_path"] is False


def test_a_published_port_that_no_route_holds_is_noted():
    ports = [*WEB["ports"], {"target": 81, "published": "81"}]
    found = parts({"ports": ports}, routes=(RouteEntry("web", 80),))
    assert any("81" in note for note in found.notes)


def test_further_contexts_of_a_build_are_those_of_the_release():
    build = {"context": ".", "additional_contexts": {"lib": "./lib", "base": "docker-image://alpine"}}
    contexts = parts({"build": build}).build["services"]["web"]["build"]["additional_contexts"]
    assert contexts == {"lib": "/r/releases/R/files/lib", "base": "docker-image://alpine"}


def test_a_value_of_the_env_is_shown_nowhere_in_the_documents():
    found = parts(
        {"command": ["serve", "--password=hun$$ter2"], "environment": {"PASSWORD": "hun$$ter2"}, "labels": {"n": "1"}}
    )
    shown = str(documents(found, ["hun$ter2", "1"]))
    assert "ter2" not in shown and "--password=…" in shown and "'n': '1'" in shown
