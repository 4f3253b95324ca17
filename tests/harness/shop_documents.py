"""Two documents to split: a shop of five services, and an application with one web service."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from typing import Any

import pytest

from switchyard.core.app import App
from switchyard.core.compose_document import Document
from switchyard.core.errors import BadInput
from switchyard.core.split import Split, split
from switchyard.core.state_keeping import NO_FACTS, ImageFacts

ROOT = "/srv/shop"
TRACKED = ("compose.yaml", "Dockerfile", "conf/site.ini")
WEB_TRACKED = ("Dockerfile", "conf/a.ini", "uploads/.gitkeep", "..odd/file")
KINDS = {"worker": "handover"}
DEFAULT = {"default": None}
BUILD = {"context": ".", "dockerfile": "Dockerfile"}
WEB = {"build": {"context": "."}, "ports": [{"target": 80, "published": "80"}]}


def port(target: int, published: str, **more: str) -> dict[str, str | int]:
    return {"mode": "ingress", "target": target, "published": published, "protocol": "tcp", **more}


def bind(source: str, **more: Mapping[str, bool] | str) -> dict[str, Any]:
    options = {"bind": {"create_host_path": True}, **more}
    return {"type": "bind", "source": source, "target": f"/{source.strip('./')}", **options}


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


def split_document(document: Mapping[str, Any], **settings: Any) -> Split:
    """Split a whole document as a release of the shop."""
    app = App("shop", **{"kinds": KINDS, **settings})
    return split(Document.decode(document), app=app, release="R7", root=ROOT, tracked=TRACKED, folder=".")


def split_shop(changes: Mapping[str, Mapping[str, Any]] | None = None, **settings: Any) -> Split:
    """Split the shop, with ``changes`` to the keys of its services."""
    document = copy.deepcopy(DOCUMENT)
    for service, change in (changes or {}).items():
        document["services"][service].update(change)
    return split_document(document, **settings)


def problems(changes: Mapping[str, Mapping[str, Any]] | None = None, **settings: Any) -> str:
    """Return why the shop cannot be split."""
    with pytest.raises(BadInput) as caught:
        split_shop(changes, **settings)
    assert caught.value.exit == 2
    return str(caught.value)


def split_web(
    web: Mapping[str, Any],
    others: Mapping[str, Any] | None = None,
    *,
    top: Mapping[str, Any] | None = None,
    tracked: Collection[str] = WEB_TRACKED,
    facts: ImageFacts = NO_FACTS,
    **settings: Any,
) -> Split:
    """Split an application of one web service, with the keys ``web``, and of ``others``."""
    document = {"services": {"web": {**WEB, **web}, **(others or {})}, **(top or {})}
    app = App("shop", **settings)
    return split(Document.decode(document), app=app, release="R", root="/r", tracked=tracked, folder=".", facts=facts)


def web_of(parts: Split) -> dict[str, Any]:
    """Return the web service in the document of a colour."""
    return service_of(parts, "blue", "web")


def service_of(parts: Split, colour: str, name: str) -> dict[str, Any]:
    services: Any = parts.colours[colour]["services"]
    return dict(services[name])


def only_mount(parts: Split, service: str = "web") -> dict[str, Any]:
    (mount,) = service_of(parts, "green", service)["volumes"]
    return dict(mount)
