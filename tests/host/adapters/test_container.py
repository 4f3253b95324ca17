"""Containers as the engine describes them."""

from __future__ import annotations

import pytest

from switchyard.core.wire.message import WireError
from switchyard.host.adapters.container import Container, ContainerDetails, RestartPolicy
from tests.harness.fake_engine import listed


def test_a_listed_container_has_the_names_of_switchyard_and_compose():
    fields = {"colour": "blue", "kind": "handover", "release": "R1", "service": "worker", "project": "shop-blue"}
    container = Container.decode(listed("shop-blue-worker-1", **fields))
    assert (container.name, container.app, container.colour, container.release) == (
        "shop-blue-worker-1",
        "shop",
        "blue",
        "R1",
    )
    assert (container.service, container.project) == ("worker", "shop-blue")
    assert container.is_running and container.is_up and container.is_singleton and container.is_of_colour


def test_a_container_of_nobody_is_of_no_application_and_of_no_colour():
    container = Container.decode({"Id": "x", "Names": ["/x"], "State": "exited", "Labels": None, "Mounts": None})
    assert (container.app, container.colour, container.release, container.service) == (None, None, "", "?")
    assert not (container.is_running or container.is_up or container.is_singleton or container.is_of_colour)


@pytest.mark.parametrize("kind,is_of_colour", [("routed", True), ("plain", True), ("oneshot", False), ("edge", False)])
def test_oneshots_and_the_edge_are_no_services_of_a_colour(kind, is_of_colour):
    assert Container.decode(listed("x", colour="blue", kind=kind)).is_of_colour is is_of_colour


def test_mounts_ports_and_addresses_are_those_that_the_engine_names():
    container = Container.decode(
        {
            "Mounts": [{"Type": "volume", "Name": "v", "Source": "/v", "RW": False}, {"Type": "bind", "Source": "/b"}],
            "Ports": [{"PrivatePort": 80}, {"PrivatePort": 80, "PublicPort": 8080}],
            "NetworkSettings": {"Networks": {"a": {"IPAddress": ""}, "b": {"IPAddress": "10.0.0.2"}}},
        }
    )
    assert [(mount.volume, mount.source, mount.is_writable) for mount in container.mounts] == [
        ("v", "/v", False),
        ("", "/b", True),
    ]
    assert container.ports == (8080,) and container.addresses == ("10.0.0.2",)


@pytest.mark.parametrize(
    "test,command",
    [
        (["CMD", "curl", "-f", "x"], ("curl", "-f", "x")),
        (["CMD-SHELL", "curl -f x"], ("/bin/sh", "-c", "curl -f x")),
        (["NONE"], None),
        (None, None),
    ],
)
def test_a_declared_health_check_is_a_command(test, command):
    details = ContainerDetails.decode({"Config": {"Healthcheck": {"Test": test}}})
    assert details.health_command == command


def test_details_hold_the_state_and_the_restart_policy():
    state = {"Status": "running", "Running": True, "StartedAt": "2026-01-01T00:00:00Z", "ExitCode": 3}
    details = ContainerDetails.decode(
        {
            "Id": "x",
            "RestartCount": 2,
            "State": {**state, "Health": {"Status": "healthy"}, "OOMKilled": True},
            "HostConfig": {"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 5}},
        }
    )
    assert (details.status, details.is_running, details.exit_code, details.health) == ("running", True, 3, "healthy")
    assert details.is_oom_killed and details.restart_count == 2 and details.address == ""
    assert details.restart_policy == RestartPolicy("on-failure", 5)


def test_an_answer_of_another_shape_is_named():
    with pytest.raises(WireError, match="Mounts: expected a list"):
        Container.decode({"Mounts": 1})
