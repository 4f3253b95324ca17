"""The generated documents: nothing in one colour collides with the other, and the shared project outlives both."""

from __future__ import annotations

import pytest

from switchyard.core.redact import GONE, Redactor
from switchyard.core.split.documents import LOGGING, RESTARTS
from switchyard.verbs.services import documents
from tests.harness.shop_documents import bind, service_of, split_shop, split_web, web_of


@pytest.mark.parametrize("colour", ["blue", "green"])
def test_a_colour_has_a_network_of_its_own_and_nothing_to_collide_with(colour):
    document = split_shop().colours[colour]
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
    services = split_shop().colours[colour]["services"]
    aliases = {name: service["networks"]["default"]["aliases"] for name, service in services.items()}
    for name in ("web", "api"):
        assert aliases[name] == [name, f"{name}.{colour}.shop.switchyard", f"{name}-{colour}"]
    assert aliases["worker"] == ["worker"] and aliases["migrate"] == ["migrate"]


def test_the_shared_project_is_on_both_networks_with_volumes_that_outlive_it():
    document = split_shop().shared
    assert document["networks"] == {
        colour: {"name": f"shop-{colour}", "external": True} for colour in ("blue", "green")
    }
    assert list(document["services"]) == ["db"]
    assert document["services"]["db"]["networks"] == {
        colour: {"aliases": ["db", "database"]} for colour in ("blue", "green")
    }
    assert "container_name" not in document["services"]["db"]
    assert document["volumes"] == {"pgdata": {"name": "shop_pgdata", "external": True}}


def test_a_service_without_any_network_is_left_without_one():
    worker = split_shop({"worker": {"network_mode": "none"}}).colours["blue"]["services"]["worker"]
    assert worker["network_mode"] == "none" and "networks" not in worker


def test_a_dollar_that_compose_escaped_stays_escaped():
    assert split_shop().colours["blue"]["services"]["migrate"]["command"] == ["sh", "-c", "echo $$HOME"]


def test_a_service_scaled_to_none_stays_at_none():
    parts = split_web({}, {"mail": {"image": "mail", "scale": 0}}, kinds={"mail": "plain"})
    assert service_of(parts, "blue", "mail")["deploy"]["replicas"] == 0


def test_a_bind_source_that_must_exist_is_not_made():
    (mount,) = web_of(split_web({"volumes": [bind("/srv/x", bind={"create_host_path": False})]}))["volumes"]
    assert mount["bind"]["create_host_path"] is False


def test_further_contexts_of_a_build_are_those_of_the_release():
    build = {"context": ".", "additional_contexts": {"lib": "./lib", "base": "docker-image://alpine"}}
    contexts = split_web({"build": build}).build["services"]["web"]["build"]["additional_contexts"]
    assert contexts == {"lib": "/r/releases/R/files/lib", "base": "docker-image://alpine"}


def test_a_value_of_the_env_is_shown_nowhere_in_the_documents():
    parts = split_web(
        {"command": ["serve", "--password=hun$$ter2"], "environment": {"PASSWORD": "hun$$ter2"}, "labels": {"n": "1"}}
    )
    shown = str(documents(parts, Redactor(["hun$ter2"])))
    assert "ter2" not in shown and f"--password={GONE}" in shown and "'n': '1'" in shown


@pytest.mark.parametrize("condition", RESTARTS)
def test_a_restart_policy_of_deploy_becomes_one_that_ends_with_a_stop(condition):
    policy = {"condition": condition, "max_attempts": 3}
    service = web_of(split_web({"restart": "always", "deploy": {"restart_policy": policy}}))
    assert service["restart"] == {"on-failure": "on-failure:3"}.get(condition, RESTARTS[condition])
    assert "deploy" not in service


@pytest.mark.parametrize("logging,bounded", [({}, True), ({"logging": {"driver": "journald"}}, False)])
def test_a_service_that_sets_no_logging_gets_one_with_a_bound(logging, bounded):
    assert (web_of(split_web(logging))["logging"] == LOGGING) is bounded
