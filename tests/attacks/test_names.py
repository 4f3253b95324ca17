"""Attacks by names: an application's object is never taken for, or given the name of, another's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from switchyard.core import commands, names
from switchyard.core.app import App
from switchyard.core.compose_document import Document
from switchyard.core.errors import BadInput
from switchyard.core.split import documents, images, split
from switchyard.core.state_keeping import ImageFacts
from switchyard.core.wire.message import Json
from switchyard.core.wire.request import Request
from switchyard.host import whose
from switchyard.host.adapters import engine
from switchyard.host.adapters.container import Container
from switchyard.host.adapters.network import Network
from switchyard.host.adapters.store import Store
from switchyard.host.whose import names_of_others, objects_of_others
from tests.harness.attack import Attack, promises
from tests.harness.fake_engine import listed
from tests.harness.release_record import RECORD

Folder = Callable[[Path], bool]
WEB = ("web", "green-web", "edge")
"""The services of the application ``a`` or ``shop``."""


def _store(folder: Path, app: str) -> Store:
    store = Store(folder / "apps" / app)
    store.prepare()
    return store


def _show(patch: pytest.MonkeyPatch, networks: tuple[Network, ...], containers: tuple[Container, ...] = ()) -> None:
    patch.setattr(engine, "networks", lambda: networks)
    patch.setattr(engine, "containers", lambda *labels: [each for each in containers if each.app or not labels])
    patch.setattr(engine, "has_volume", lambda name: False)
    patch.setattr(engine, "own_paths", tuple)


def network(name: str, app: str | None) -> Folder:
    """Deploy ``shop`` where there is a network of this name."""

    def gets_through(folder: Path) -> bool:
        with pytest.MonkeyPatch.context() as patch:
            _show(patch, (Network("bridge", app, name), Network("bridge", None, "bridge")))
            return not list(objects_of_others(_store(folder, "shop"), Request("deploy", "shop", ""), (), ("web",)))

    return gets_through


def container(name: str, app: str | None, **fields: str) -> Folder:
    """Deploy ``shop`` where there is a container of this name."""

    def gets_through(folder: Path) -> bool:
        with pytest.MonkeyPatch.context() as patch:
            _show(patch, (), (Container.decode(listed(name, app=app, **fields)),))
            return not list(objects_of_others(_store(folder, "shop"), Request("deploy", "shop", ""), (), WEB))

    return gets_through


def makes(app: str, other: str, *volumes: str) -> Folder:
    """Deploy an application for the first time beside another one, with volumes that are not there yet."""

    def gets_through(folder: Path) -> bool:
        with pytest.MonkeyPatch.context() as patch:
            _show(patch, (Network("bridge", other, names.network(other, "blue")),))
            return not list(names_of_others(_store(folder, app), app, volumes))

    return gets_through


def rooted(app: str, at: str, other: str, other_at: str) -> Folder:
    """Deploy an application to a root beside another one's."""

    def gets_through(folder: Path) -> bool:
        theirs, own = Store(folder / other_at), Store(folder / at)
        for store in (theirs, own):
            store.prepare()
        theirs.releases.write(replace(RECORD, name=other))
        edge = Container.decode(
            {
                "Id": "e",
                "Labels": {"switchyard.app": other, "switchyard.kind": "edge"},
                "Mounts": [{"Type": "bind", "Source": f"{theirs.root}/edge/cfg"}],
            }
        )
        with pytest.MonkeyPatch.context() as patch:
            _show(patch, (), (edge,))
            return not list(names_of_others(own, app, ()))

    return gets_through


def splits(service: Mapping[str, Json], *bases: str) -> Folder:
    """Split a document whose service names an image."""
    web: Json = {"ports": [{"target": 80, "published": "80", "protocol": "tcp"}], **service}

    def gets_through(folder: Path) -> bool:
        document = Document.decode({"name": "a", "services": {"web": web}})
        facts = ImageFacts(bases={"web": bases})
        try:
            parts = split(
                document, app=App("a"), release="R", root="/r", tracked=("Dockerfile",), folder=".", facts=facts
            )
        except BadInput:
            return False
        return "tags" not in service.get("build", {}) or "tags" in str(parts.build)  # type: ignore[operator]

    return gets_through


def tagged(*tags: str) -> Folder:
    """Build an image under further names, and return whether the host would give them."""
    return splits({"build": {"context": ".", "tags": list(tags)}})


def one_oneshot(first: tuple[str, str], second: tuple[str, str]) -> Folder:
    """Run a oneshot of two applications, of one release's id, and return whether both containers have one name."""

    def name(app: str, service: str) -> str:
        argv = commands.oneshot(commands.Target(app, "/r", "R"), "blue", service)
        return argv[argv.index("--name") + 1]

    return lambda folder: name(*first) == name(*second)


def differ(first: tuple[str, str], second: tuple[str, str]) -> Folder:
    return lambda folder: not one_oneshot(first, second)(folder)


def ignore(module: object, name: str) -> Callable[[pytest.MonkeyPatch], None]:
    return lambda monkeypatch: monkeypatch.setattr(module, name, lambda *_: ())


def ignore_owners(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "owner_of_volume", lambda name, app, others: app)


def ignore_meetings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "meet", lambda app, other: False)


def ignore_roots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whose, "_roots_of_others", lambda *_: ())


def give_tags(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "NOT_BUILT", frozenset())


def name_without_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "project", lambda app, part: app)


NETWORKS = {"nobody's": None, "another application's": "blog"}
CONTAINERS: dict[str, tuple[str, str | None, dict[str, str]]] = {
    "of a Compose project called shop-blue": ("x", None, {"project": "shop-blue", "service": "web"}),
    "of another application in the project shop-green": ("x", "blog", {"project": "shop-green", "service": "web"}),
    "of a project called like the edge's": ("x", None, {"project": "shop-edge", "service": "edge"}),
    "of a project called like the shared one": ("x", None, {"project": "shop-shared", "service": "web"}),
    "that holds the name of a colour's": ("shop-blue-web-1", None, {}),
    "that holds the name of another's second one": ("shop-green-web-12", "blog", {}),
    "of shop-blue with the service web": ("shop-blue-green-web-1", "shop-blue", {"project": "shop-blue-green"}),
    "that holds the edge's name": ("shop-edge-edge-1", None, {}),
}
VOLUMES = (
    ("a", "a_b", "a_b_c"),
    ("shop", "shop_db", "shop_db_data"),
    ("blog", "shop", "shop_pgdata"),
    ("a-b", "a-b_c", "a-b_c_d"),
    ("a", "a_", "a__b"),
)
APPS = (
    ("a-blue", "a"),
    ("a", "a-blue"),
    ("a", "a-green"),
    ("a-green-x", "a"),
    ("a-shared", "a"),
    ("shop-blue-green", "shop-blue"),
)
IMAGES: dict[str, tuple[Mapping[str, Json], ...]] = {
    "another application's build": ({"image": "switchyard/shop/web:R1"}, {"image": "shop/web:R1"}),
    "another application's build at Docker's hub": ({"image": "docker.io/switchyard/shop/web"}, {"image": "nginx:1"}),
    "another application's image by digest": (
        {"image": "switchyard/shop/db@sha256:" + "a" * 64},
        {"image": "shop/db@sha256:" + "a" * 64},
    ),
    "another application's build as a context": (
        {"build": {"context": ".", "additional_contexts": {"x": "docker-image://switchyard/shop/web:R1"}}},
        {"build": {"context": ".", "additional_contexts": {"x": "docker-image://alpine:3"}}},
    ),
}

ATTACKS = [
    *(
        Attack(
            f"join {whom} network shop-{colour}",
            network(f"shop-{colour}", app),
            network(f"shop-{colour}", "shop"),
            ignore(whose, "_networks_of_others"),
        )
        for whom, app in NETWORKS.items()
        for colour in names.COLOURS
    ),
    *(
        Attack(
            f"take over a container {what}",
            container(name, app, **fields),
            container(name, "shop", **fields),
            ignore(whose, "_containers_of_others"),
        )
        for what, (name, app, fields) in CONTAINERS.items()
    ),
    *(
        Attack(
            f"{app} makes {volume} beside {other}", makes(app, other, volume), makes(app, "z", volume), ignore_owners
        )
        for app, other, volume in VOLUMES
    ),
    *(
        Attack(
            f"name an application {app} beside {other}", makes(app, other), makes(app, f"{other}er"), ignore_meetings
        )
        for app, other in APPS
    ),
    *(
        Attack(
            f"give {app} the root {at} beside {other_at}",
            rooted(app, at, other, other_at),
            rooted(app, "apps/own", other, other_at),
            ignore_roots,
        )
        for app, at, other, other_at in (
            ("a", "apps/shop", "shop", "apps/shop"),
            ("a", "apps/shop/data/a", "shop", "apps/shop"),
            ("a", "apps", "shop", "apps/shop"),
        )
    ),
    *(
        Attack(f"name {what}", splits(evil), splits(harmless), ignore(images, "_reserved_names"))
        for what, (evil, harmless) in IMAGES.items()
    ),
    Attack(
        "start a Dockerfile from another application's build",
        splits({"build": {"context": "."}}, "switchyard/shop/web:R1"),
        splits({"build": {"context": "."}}, "python:3.13"),
        ignore(images, "_reserved_names"),
    ),
    *(
        Attack(f"build an image as {tag}", tagged(tag), splits({"build": {"context": "."}}), give_tags)
        for tag in ("postgres:17", "switchyard/shop/web:R1", "haproxy:3.0")
    ),
    Attack(
        "run the oneshot b-c of a beside c of a-b",
        one_oneshot(("a", "b-c"), ("a-b", "c")),
        differ(("a", "c"), ("a", "b-c")),
        name_without_colour,
    ),
]

test_refused, test_twin, test_defence = promises(ATTACKS)
