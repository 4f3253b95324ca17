"""A web, api, worker and database application becomes colours and a shared project, each rule on its own."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from switchyard.control import commit_files, compose
from switchyard.control.commit import git
from switchyard.core.app import App, RouteEntry
from switchyard.core.compose_document import Document, pin
from switchyard.core.errors import BadInput
from switchyard.core.split import Split, split

ROOT = "/srv/shop"
TRACKED = ("compose.yaml", "Dockerfile", "conf/site.ini")
DEFAULT = {"default": None}
BUILD = {"context": ".", "dockerfile": "Dockerfile"}


def port(target: int, published: str, **more: Any) -> dict[str, Any]:
    return {"mode": "ingress", "target": target, "published": published, "protocol": "tcp", **more}


def bind(source: str) -> dict[str, Any]:
    return {"type": "bind", "source": source, "target": "/mounted", "bind": {"create_host_path": True}}


DOCUMENT: dict[str, Any] = {
    "name": "shop",
    "services": {
        "db": {
            "image": "registry.example:5000/library/postgres@sha256:0",
            "networks": DEFAULT,
            "restart": "always",
            "container_name": "database",
            "volumes": [{"type": "volume", "source": "pgdata", "target": "/var/lib/postgresql/data", "volume": {}}],
        },
        "migrate": {
            "build": BUILD,
            "command": ["sh", "-c", "echo $$HOME"],
            "networks": DEFAULT,
            "restart": "on-failure",
            "depends_on": {"db": {"condition": "service_started", "required": True}},
        },
        "api": {
            "build": BUILD,
            "networks": DEFAULT,
            "restart": "always",
            "container_name": "api",
            "ports": [port(8000, "8000", host_ip="127.0.0.1")],
            "depends_on": {"migrate": {"condition": "service_completed_successfully", "required": True}},
        },
        "web": {
            "build": BUILD,
            "networks": DEFAULT,
            "restart": "always",
            "ports": [port(80, "8080")],
            "depends_on": {"api": {"condition": "service_started", "required": True}},
        },
        "worker": {"build": BUILD, "networks": DEFAULT, "restart": "always"},
    },
    "networks": {"default": {"name": "shop_default", "ipam": {}}},
    "volumes": {"pgdata": {"name": "shop_pgdata"}},
}
KINDS = {"worker": "handover"}


def parts(changes: dict[str, dict[str, Any]] | None = None, **settings: Any) -> Split:
    document = copy.deepcopy(DOCUMENT)
    for service, change in (changes or {}).items():
        document["services"][service].update(change)
    app = App("shop", **{"kinds": KINDS, **settings})
    return split(Document.decode(document), app=app, release="R7", root=ROOT, tracked=TRACKED, folder=".")


def said(changes: dict[str, dict[str, Any]] | None = None, **settings: Any) -> str:
    with pytest.raises(BadInput) as caught:
        parts(changes, **settings)
    assert caught.value.exit == 2
    return str(caught.value)


def only_mount(found: Split, service: str = "web") -> dict[str, Any]:
    (mount,) = found.colours["green"]["services"][service]["volumes"]
    return mount


def test_every_kind_has_the_reason_it_was_given_for():
    found = {name: (kind.kind, kind.reason) for name, kind in parts().kinds.items()}
    assert found == {
        "db": ("shared", "its image postgres keeps state"),
        "migrate": ("oneshot", "another service waits for it to complete successfully"),
        "api": ("routed", "it publishes a port"),
        "web": ("routed", "it publishes a port"),
        "worker": ("handover", "the settings say so"),
    }


def test_waiting_for_the_start_of_a_service_makes_no_oneshot_of_it():
    change = {"api": {"depends_on": {"migrate": {"condition": "service_started"}}}}
    assert "migrate: handover" in said(change)


def test_the_groups_of_a_release_are_those_of_the_kinds_in_the_order_of_need():
    found = parts()
    assert (found.oneshots, found.handover, found.front) == (("migrate",), ("worker",), ("api", "web"))


def test_routes_are_the_published_ports():
    routes = [(route.service, route.port, route.listen, route.address) for route in parts().routes]
    assert routes == [("api", 8000, 8000, "127.0.0.1"), ("web", 80, 8080, "0.0.0.0")]


@pytest.mark.parametrize("colour", ["blue", "green"])
def test_a_colour_has_a_network_of_its_own_and_nothing_to_collide_with(colour):
    document = parts().colours[colour]
    assert document["name"] == f"shop-{colour}"
    assert document["networks"] == {"default": {"name": f"shop-{colour}", "external": True}}
    assert sorted(document["services"]) == ["api", "migrate", "web", "worker"]
    for service in document["services"].values():
        assert not {"ports", "container_name", "depends_on", "build"} & service.keys()
    restarts = {name: service["restart"] for name, service in document["services"].items()}
    assert restarts == {
        "api": "unless-stopped",
        "migrate": "no",
        "web": "unless-stopped",
        "worker": "unless-stopped",
    }


@pytest.mark.parametrize("colour", ["blue", "green"])
def test_only_routed_services_have_the_alias_that_the_edge_knows(colour):
    services = parts().colours[colour]["services"]
    aliases = {name: service["networks"]["default"]["aliases"] for name, service in services.items()}
    assert aliases["web"] == ["web", f"web-{colour}"] and aliases["api"] == ["api", f"api-{colour}"]
    assert aliases["worker"] == ["worker"] and aliases["migrate"] == ["migrate"]


def test_a_volume_that_the_file_gives_a_name_keeps_it_and_one_named_after_the_project_gets_the_application_s():
    document = copy.deepcopy(DOCUMENT)
    for project, given, kept in (("shop", "prod_pgdata", "prod_pgdata"), ("old", "old_pgdata", "shop_pgdata")):
        document.update(name=project, volumes={"pgdata": {"name": given}})
        found = split(
            Document.decode(document),
            app=App("shop", kinds=KINDS),
            release="R7",
            root=ROOT,
            tracked=TRACKED,
            folder=".",
        )
        assert found.volumes == {"pgdata": kept}
        assert found.shared["volumes"] == {"pgdata": {"name": kept, "external": True}}


def test_the_shared_project_is_on_both_networks_with_volumes_that_outlive_it():
    document = parts().shared
    assert document["networks"] == {
        colour: {"name": f"shop-{colour}", "external": True} for colour in ("blue", "green")
    }
    assert list(document["services"]) == ["db"]
    assert document["services"]["db"]["networks"] == {
        colour: {"aliases": ["db", "database"]} for colour in ("blue", "green")
    }
    assert "container_name" not in document["services"]["db"]
    assert document["volumes"] == {"pgdata": {"name": "shop_pgdata", "external": True}}


def test_a_volume_of_the_settings_is_the_one_that_is_mounted():
    found = parts(volumes={"pgdata": "before_pgdata"})
    assert found.shared["volumes"] == {"pgdata": {"name": "before_pgdata", "external": True}}
    assert found.volumes == {"pgdata": "before_pgdata"}


def test_a_volume_that_the_compose_file_calls_external_keeps_its_name():
    document = copy.deepcopy(DOCUMENT)
    document["volumes"]["pgdata"] = {"name": "corporate", "external": True}
    found = split(
        Document.decode(document), app=App("shop", kinds=KINDS), release="R", root=ROOT, tracked=TRACKED, folder="."
    )
    assert found.shared["volumes"] == {"pgdata": {"name": "corporate", "external": True}}


@pytest.mark.parametrize("source", ["./conf", "conf/", "./conf/site.ini"])
def test_a_tracked_bind_is_the_releases_own_and_read_only(source):
    mount = only_mount(parts({"web": {"volumes": [bind(source)]}}))
    assert mount["source"].startswith(f"{ROOT}/releases/R7/files/conf")
    assert mount["read_only"] is True and mount["bind"]["create_host_path"] is False


def test_an_untracked_bind_is_an_error_until_the_settings_say_where_it_is():
    change = {"web": {"volumes": [bind("./uploads")]}}
    words = said(change)
    assert "service web: volumes: ./uploads" in words and 'data: {"./uploads": data}' in words
    found = parts(change, data={"./uploads": "data"})
    assert only_mount(found)["source"] == f"{ROOT}/data/uploads" and "read_only" not in only_mount(found)
    assert found.data == ("uploads",)


def test_a_folder_whose_name_only_begins_like_a_tracked_one_is_not_tracked():
    assert "./con:" in said({"web": {"volumes": [bind("./con")]}})


def test_a_worker_without_a_kind_is_asked_for_with_the_line_to_add():
    words = said(kinds={})
    assert "service worker" in words
    assert "\n  app:\n    kinds:\n      worker: handover" in words


@pytest.mark.parametrize(
    "changes,words",
    [
        ({"worker": {"ports": [port(1, "1")]}}, "service worker: ports: both colours cannot hold"),
        ({"web": {"network_mode": "host"}}, "service web: network_mode is not handled"),
        ({"web": {"ports": [port(80, "8000")]}}, "service web: listen 8000 is already a route of api"),
    ],
)
def test_what_two_colours_cannot_share_is_refused(changes, words):
    assert words in said(changes)


def test_a_service_without_any_network_is_left_without_one():
    worker = parts({"worker": {"network_mode": "none"}}).colours["blue"]["services"]["worker"]
    assert worker["network_mode"] == "none" and "networks" not in worker


@pytest.mark.parametrize("key", ["tls", "host", "path"])
def test_what_a_route_cannot_do_yet_is_refused_by_name(key):
    route = RouteEntry.decode({"service": "web", "port": 80, key: "x"})
    assert f"app.routes: web: {key} is not handled yet" in said(routes=(route,))


def test_every_problem_is_told_at_once():
    words = said(
        {"web": {"network_mode": "host"}, "db": {"links": ["web"]}, "worker": {"ports": [port(1, "1")]}},
        volumes={"slip": "x"},
    )
    lines = words.splitlines()
    assert len(lines) == 4 and all(line.startswith("compose.yaml: ") for line in lines)
    assert all(name in words for name in ("service web", "service db", "service worker", "app.volumes.slip"))


def test_pinning_replaces_the_named_images_and_leaves_the_document_as_it_was():
    document = parts().colours["blue"]
    before = copy.deepcopy(document)
    pinned = pin(document, {"web": "sha256:web", "absent": "sha256:absent"})
    images = {name: service["image"] for name, service in pinned["services"].items()}
    assert images["web"] == "sha256:web" and images["api"] == "switchyard/shop/api:R7" and "absent" not in images
    assert document == before


def test_splitting_leaves_the_document_as_it_was():
    document = copy.deepcopy(DOCUMENT)
    split(Document.decode(document), app=App("shop", kinds=KINDS), release="R", root=ROOT, tracked=TRACKED, folder=".")
    assert document == DOCUMENT


def test_a_dollar_that_compose_escaped_stays_escaped():
    assert parts().colours["blue"]["services"]["migrate"]["command"] == ["sh", "-c", "echo $$HOME"]


COMPOSE = """
services:
  db:
    image: postgres:17
    restart: always
    environment: {POSTGRES_PASSWORD: "${PASSWORD:?}"}
    volumes: ["pgdata:/var/lib/postgresql/data"]
  migrate:
    build: .
    command: ["sh", "-c", "echo $$HOME"]
    depends_on: [db]
  api:
    build: .
    restart: always
    container_name: api
    ports: ["127.0.0.1:8000:8000"]
    depends_on: {migrate: {condition: service_completed_successfully}}
  web:
    build: {context: web}
    restart: always
    ports: ["8080:80"]
    volumes: ["./conf:/etc/web", "./uploads:/uploads"]
  worker:
    build: .
    restart: always
volumes: {pgdata: }
"""


def committed(top: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text)
    git(top, "init", "--quiet")
    git(top, "add", "--all")
    git(top, "commit", "--quiet", "--message", "one")
    return top


def resolved(tmp_path: Path) -> tuple[Document, frozenset[str]]:
    image = "FROM python:3.13-slim\n"
    names = {"app/compose.yaml": COMPOSE, "app/Dockerfile": image, "app/web/Dockerfile": image, "app/conf/a": "a"}
    top = committed(tmp_path / "repository", names)
    (tmp_path / "export").mkdir()
    commit_files.export(top, "HEAD", tmp_path / "export")
    document = compose.resolve(tmp_path / "export", App("shop", path="app"), {"PASSWORD": "a$b"})
    return document, commit_files.tracked(top, "HEAD")


def test_a_real_compose_file_of_a_real_commit_is_split(tmp_path):
    document, tracked = resolved(tmp_path)
    app = App("shop", path="app", kinds=KINDS, data={"./uploads": "data"})
    found = split(document, app=app, release="R7", root=ROOT, tracked=tracked, folder="app")
    assert {name: kind.kind for name, kind in found.kinds.items()} == {
        "db": "shared",
        "migrate": "oneshot",
        "api": "routed",
        "web": "routed",
        "worker": "handover",
    }
    assert sorted(route.name for route in found.routes) == ["api-8000", "web-80"]
    web = found.colours["green"]["services"]["web"]
    assert {mount["target"]: mount["source"] for mount in web["volumes"]} == {
        "/etc/web": f"{ROOT}/releases/R7/files/app/conf",
        "/uploads": f"{ROOT}/data/uploads",
    }
    assert found.build["services"]["web"]["build"]["context"] == f"{ROOT}/releases/R7/files/app/web"
    assert found.colours["blue"]["services"]["migrate"]["command"][-1] == "echo $$HOME"
    assert found.shared["services"]["db"]["environment"] == {"POSTGRES_PASSWORD": "a$$b"}
    blue, green = (json.dumps(found.colours[colour]) for colour in ("blue", "green"))
    assert blue.replace("blue", "green") == green
