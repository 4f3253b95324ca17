"""The commands of a plan: every step shows what the host runs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from switchyard.core.commands import Fetch, Target, shown
from switchyard.core.plan_commands import planned
from switchyard.core.site import Site, Slot
from switchyard.core.steps import Step

TARGET = Target(
    app="shop",
    root="/srv/shop",
    release="R2",
    builds=(("cache", "web", "worker"),),
    pulls={"db": Fetch("postgres:17", "sha256:" + "1" * 64)},
    shared=("cache", "db"),
    oneshots=("migrate",),
    front=("api", "web"),
    handover=("worker",),
    smoke=("make", "smoke"),
    scales={"api": 3},
)
LIVE = Site(
    blue=Slot("R1", "healthy", "healthy"), proxy="blue", map_file="blue", edge="current", shared="healthy", stage="ran"
)


def lines(step: Step, site: Site = LIVE, images: tuple[str, ...] = (), known: tuple[str, ...] = ()) -> list[str]:
    return [shown(argv, "R2") for argv in planned(step, TARGET, site, images=images, known=known)]


def test_a_build_pulls_what_is_not_here_once_tags_it_and_builds_in_order():
    build = "docker compose -p shop-build -f /srv/shop/releases/RELEASE/build.json build"
    tag = "docker tag IMAGE switchyard/shop/db:RELEASE"
    assert lines(Step("build")) == [tag, build]
    pin = "postgres@sha256:" + "2" * 64
    new = Fetch("postgres:17", pin, is_here=False, is_named=False)
    target = replace(TARGET, pulls={"db": new, "more": new}, builds=(("base",), ("api", "web")))
    assert [shown(argv, "R2") for argv in planned(Step("build"), target, LIVE, images=(), known=())] == [
        "docker pull --quiet postgres@IMAGE",
        "docker tag IMAGE postgres:17",
        tag,
        "docker tag IMAGE switchyard/shop/more:RELEASE",
        f"{build} base",
        f"{build} api web",
    ]


def test_a_shared_service_that_is_built_and_runs_is_not_built_again():
    build = "docker compose -p shop-build -f /srv/shop/releases/RELEASE/build.json build web worker"
    tag = "docker tag IMAGE switchyard/shop/cache:RELEASE"
    assert lines(Step("build"), known=("cache", "db"))[1:] == [tag, build]


def test_shared_services_that_run_are_not_tagged_again():
    up = "docker compose -p shop-shared -f /srv/shop/shared/compose.json up -d --no-recreate cache db"
    assert lines(Step("shared")) == [
        "docker tag IMAGE switchyard/shop/cache:shared",
        "docker tag IMAGE switchyard/shop/db:shared",
        up,
    ]
    assert lines(Step("shared"), known=("cache", "db")) == [up]


def test_each_step_of_a_colour_names_that_colour():
    compose = "docker compose -p shop-green -f /srv/shop/releases/RELEASE/green.json"
    assert lines(Step("oneshots")) == [f"{compose} run -T --no-deps --rm --name shop-green-migrate-RELEASE migrate"]
    assert lines(Step("up", "green")) == [f"{compose} up -d --no-deps --no-build --scale api=3 api web"]
    assert lines(Step("start_singletons", "green")) == [f"{compose} up -d --no-deps --no-build worker"]
    assert lines(Step("switch", "green")) == ["set map /etc/edge/maps/live.map live green"]
    assert lines(Step("stop_singletons", "blue")) == ["docker stop <containers of blue>"]
    assert lines(Step("smoke", "green")) == ["make smoke"]


@pytest.mark.parametrize("step", ["prove", "prove_singletons", "look", "seen", "receive"])
def test_what_only_looks_runs_no_command(step):
    assert lines(Step(step, "green")) == []


def test_an_empty_slot_is_retired_without_a_stop():
    assert lines(Step("retire", "green")) == []
    assert lines(Step("retire", "blue")) == ["docker stop <containers of blue>"]


def test_an_edge_that_runs_is_reloaded_and_one_that_does_not_is_started():
    assert lines(Step("edge"), LIVE) == []
    first = lines(Step("edge"), Site())
    assert first[0] == "docker pull --quiet haproxy:3.0" and first[-1].endswith("edge/compose.json up -d --no-recreate")
