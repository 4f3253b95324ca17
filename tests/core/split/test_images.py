"""A service that names an image which this document builds gets the image of this release."""

from __future__ import annotations

import itertools

import pytest

from switchyard.core.app import App
from switchyard.core.compose_document import Document
from switchyard.core.errors import BadInput
from switchyard.core.split import Split, split
from switchyard.core.state_keeping import ImageFacts

WEB = {"build": {"context": "."}, "ports": [{"target": 80, "published": "8080", "protocol": "tcp"}]}
SPELLINGS = {
    "app:dev": ("app:dev", "library/app:dev", "docker.io/library/app:dev", "docker.io/app:dev"),
    "app": ("app", "app:latest", "docker.io/library/app", "docker.io/library/app:latest"),
    "app:latest": ("app", "app:latest"),
    "docker.io/library/app": ("app", "app:latest", "library/app"),
    "registry/app:dev": ("registry/app:dev", "docker.io/registry/app:dev"),
    "registry.example:5000/app:dev": ("registry.example:5000/app:dev",),
    "": ("shop-web", "shop-web:latest", "docker.io/library/shop-web", "given-web"),
}
"""The image that a build names (empty: none) to the names that stand for it."""
OTHERS = ("app:other", "other.example/app:dev", "app:dev@sha256:" + "a" * 64, "team/app:dev", "shop_web", "web")
KINDS = ("routed", "plain", "handover", "oneshot", "shared")


def split_services(services, bases=None, **settings) -> Split:
    document = {"name": "given", "services": {"web": WEB, **services}}
    return split(
        Document.decode(document),
        app=App("shop", **settings),
        release="R",
        root="/r",
        tracked=("Dockerfile",),
        folder=".",
        facts=ImageFacts(bases=bases or {}),
    )


def problems(services, bases=None, **settings) -> str:
    with pytest.raises(BadInput) as caught:
        split_services(services, bases, **settings)
    return str(caught.value)


def user(image: str, kind: str) -> dict:
    port = [{"target": 81, "published": "8081", "protocol": "tcp"}]
    return {"image": image, **({"ports": port} if kind == "routed" else {})}


@pytest.mark.parametrize(
    "built,named,kind",
    [(built, name, kind) for (built, names), kind in itertools.product(SPELLINGS.items(), KINDS) for name in names],
)
def test_every_spelling_of_a_built_image_is_that_build_for_every_kind(built, named, kind):
    web = {**WEB, **({"image": built} if built else {})}
    parts = split_services({"web": web, "job": user(named, kind)}, kinds={"job": kind})
    assert parts.built_by == {"job": "web"} and parts.pulls == {}
    assert set(parts.build["services"]) == {"web"} and parts.built_services == ("web", "job")


@pytest.mark.parametrize("named", OTHERS)
def test_another_image_is_pulled(named):
    parts = split_services({"web": {**WEB, "image": "app:dev"}, "job": {"image": named}}, kinds={"job": "oneshot"})
    assert parts.pulls == {"job": named} and parts.built_by == {}


def test_a_build_with_a_name_of_its_own_does_not_make_the_default_one():
    parts = split_services({"web": {**WEB, "image": "app"}, "job": {"image": "shop-web"}}, kinds={"job": "oneshot"})
    assert parts.pulls == {"job": "shop-web"}


def test_a_further_tag_of_a_build_is_that_build():
    web = {**WEB, "build": {"context": ".", "tags": ["registry.example/app:1"]}}
    parts = split_services({"web": web, "job": {"image": "registry.example/app:1"}}, kinds={"job": "oneshot"})
    assert parts.built_by == {"job": "web"}


def test_two_builds_of_one_image_are_one_build_where_they_are_alike_and_refused_where_they_differ():
    kinds = {"job": "oneshot", "worker": "handover"}
    alike = {"web": {**WEB, "image": "app:dev"}, "worker": {"build": {"context": "."}, "image": "app:dev"}}
    assert split_services({**alike, "job": {"image": "app:dev"}}, kinds=kinds).built_by == {"job": "web"}
    different = {**alike, "worker": {"build": {"context": "./worker"}, "image": "app:dev"}}
    assert split_services(different, kinds={"worker": "handover"}).built_by == {}, "each runs what it builds"
    reason = problems({**different, "job": {"image": "app:dev"}}, kinds=kinds)
    assert "service job: image: app:dev is built by web, worker, each in another way" in reason


@pytest.mark.parametrize("name,key", [("base:dev", "base:dev"), ("docker.io/library/base:dev", "base:dev")])
def test_a_dockerfile_that_starts_from_a_built_image_gets_that_of_this_release(name, key):
    base = {"build": {"context": "./base"}, "image": "base:dev"}
    parts = split_services({"base": base}, {"web": (name, "python:3.13-slim")}, kinds={"base": "oneshot"})
    contexts = parts.build["services"]["web"]["build"]["additional_contexts"]
    assert contexts == {key: "docker-image://switchyard/shop/base:R"}
    assert "additional_contexts" not in parts.build["services"]["base"]["build"]


def test_a_context_that_is_a_service_is_the_image_that_this_release_builds():
    web = {**WEB, "build": {"context": ".", "additional_contexts": {"b": "service:base", "c": "service:user"}}}
    services = {"web": web, "base": {"build": {"context": "./base"}, "image": "base"}, "user": {"image": "base"}}
    parts = split_services(services, kinds={"base": "oneshot", "user": "oneshot"})
    contexts = parts.build["services"]["web"]["build"]["additional_contexts"]
    assert contexts == dict.fromkeys(("b", "c"), "docker-image://switchyard/shop/base:R")
    reason = problems({**services, "user": {"image": "redis:8"}}, kinds={"base": "oneshot", "user": "oneshot"})
    assert "service web: build.additional_contexts: c: service user builds no image" in reason


def test_builds_that_start_from_each_other_are_refused_and_one_that_starts_from_its_own_name_is_not():
    services = {
        "web": {**WEB, "image": "a"},
        "base": {"build": {"context": "./base"}, "image": "b"},
    }
    kinds = {"base": "oneshot"}
    reason = problems(services, {"web": ("b",), "base": ("a",)}, kinds=kinds)
    assert "services web, base: build: each of them starts from the image of another" in reason
    assert split_services(services, {"web": ("a",)}, kinds=kinds).build["services"]["web"]["build"].keys() == {
        "context",
        "labels",
    }


@pytest.mark.parametrize("policy,is_noted", [("always", True), ("daily", True), ("build", False), ("missing", False)])
def test_a_policy_that_asks_for_another_image_than_the_built_one_is_noted(policy, is_noted):
    services = {"web": {**WEB, "image": "app", "pull_policy": policy}}
    notes = [note for note in split_services(services).notes if "pull_policy" in note]
    assert notes == (
        [f"web: pull_policy {policy} is not followed: a release builds this image from its own commit"] * is_noted
    )
    services = {"web": {**WEB, "image": "app"}, "job": {"image": "app", "pull_policy": policy}}
    assert (
        any(note.startswith("job: pull_policy") for note in split_services(services, kinds={"job": "plain"}).notes)
        is is_noted
    )


def test_a_service_that_no_release_runs_is_built_where_another_one_needs_its_image_and_only_there():
    builder = {"build": {"context": "./base"}, "image": "base:dev"}
    kinds = {"builder": "ignored", "job": "oneshot"}
    parts = split_services({"builder": builder, "job": {"image": "base:dev"}}, kinds=kinds)
    assert parts.built_by == {"job": "builder"} and set(parts.build["services"]) == {"web", "builder"}
    assert "builder" not in parts.colours["blue"]["services"]
    parts = split_services({"builder": builder, "job": {"image": "redis:8"}}, kinds=kinds)
    assert set(parts.build["services"]) == {"web"}


def test_a_further_tag_is_not_given_on_the_host_and_that_is_told():
    parts = split_services({"web": {**WEB, "build": {"context": ".", "tags": ["postgres:17"]}}})
    assert "tags" not in parts.build["services"]["web"]["build"]
    assert any("web: build.tags are not given on the host" in note for note in parts.notes)


def test_names_of_switchyard_s_own_images_are_refused_each_with_its_place():
    reason = problems(
        {"job": {"image": "switchyard/blog/web:R1"}}, {"web": ("switchyard/shop/base",)}, kinds={"job": "oneshot"}
    )
    assert "service job: image: switchyard/blog/web:R1: names that begin with switchyard/" in reason
    assert "service web: build: its Dockerfile: switchyard/shop/base" in reason
