"""What cannot be split safely is an error that names service, key and setting."""

from __future__ import annotations

from typing import Any

import pytest

from switchyard.core.errors import BadInput
from switchyard.core.split.refusals import FIXED_ADDRESSES, TIES
from tests.harness.shop_documents import bind, port, problems, split_web


@pytest.mark.parametrize(
    "changes,words",
    [
        ({"worker": {"ports": [port(1, "1")]}}, "service worker: ports: both colours cannot hold"),
        ({"web": {"network_mode": "host"}}, "service web: network_mode is not handled"),
        ({"web": {"ports": [port(80, "8000")]}}, "service web: listen 8000 is already a route of api"),
    ],
)
def test_what_two_colours_cannot_share_is_refused(changes, words):
    assert words in problems(changes)


def test_every_problem_is_told_at_once():
    words = problems(
        {"web": {"network_mode": "host"}, "db": {"links": ["web"]}, "worker": {"ports": [port(1, "1")]}},
        volumes={"slip": "x"},
    )
    lines = words.splitlines()
    assert len(lines) == 4 and all(line.startswith("compose.yaml: ") for line in lines)
    assert all(name in words for name in ("service web", "service db", "service worker", "app.volumes.slip"))


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
    "a secret of a build that the file does not define": (
        {"build": {"context": ".", "secrets": [{"source": "s"}]}},
        {},
        ["secrets.s", "environment"],
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
        split_web(web, **more)
    assert [word for word in words if word not in str(caught.value)] == [], str(caught.value)


@pytest.mark.parametrize("key", TIES)
def test_a_service_that_is_tied_to_another_container_or_the_host_is_refused(key):
    assert f"service web: {key} is not handled" in problems({"web": {key: "host"}})


@pytest.mark.parametrize("key", FIXED_ADDRESSES)
def test_an_address_that_only_one_container_can_have_is_refused(key):
    words = problems({"web": {"networks": {"default": {key: "10.0.0.1"}}}})
    assert f"service web: networks.default.{key}: two colours cannot hold one address" in words


def test_of_an_exclusive_service_at_most_one_may_be_asked_for():
    words = problems({"web": {"deploy": {"replicas": 2}}}, kinds={"web": "exclusive", "worker": "handover"})
    assert "service web: deploy.replicas: 2 of it: it is exclusive, so at most one runs. Set 1" in words


def test_an_exclusive_service_is_routed_and_moves_with_the_singletons_and_the_plan_says_what_is_at_risk():
    volume = {"type": "volume", "source": "d", "target": "/d"}
    parts = split_web({"volumes": [volume]}, kinds={"web": "exclusive"})
    assert "web" in parts.handover and "web" not in parts.front
    assert any(route.service == "web" for route in parts.routes)
    (note,) = [note for note in parts.notes if note.startswith("web is exclusive")]
    assert "the old one starts again on volume d, which the new one may have changed" in note
