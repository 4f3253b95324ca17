"""What a release uses and Switchyard did not create: recorded once, and nothing else of that name stands in for it."""

from __future__ import annotations

import json

import pytest

KEEPER = """
  keeper:
    image: {app}-tool:1
    command: ["sleep", "10000"]
    init: true
    volumes: ["kept:/kept"]
    healthcheck: {{test: ["CMD", "true"], interval: 1s}}
volumes:
  kept: {{external: true, name: {app}-kept}}
"""


def words(done) -> str:
    return " ".join(done.stdout.split())


def allow(site, name: str) -> None:
    """Run the command that a refusal prints."""
    done = site.inv("allow", "--objects", name, "--reason", "it was meant")
    assert done.returncode == 0, done.stdout


def refused(site, name: str, why: str, *verb: str) -> None:
    """Require that a verb refuses an object, and prints the command that allows it."""
    done = site.inv(*verb)
    assert done.returncode == 4, done.stdout
    assert why in words(done) and f"inv allow --host prod --objects {name} --reason" in words(done), done.stdout


@pytest.mark.instance
def test_an_object_that_replaces_one_or_comes_later_is_used_once_it_is_allowed(site):
    tool, kept, more = f"{site.name}-tool:1", f"{site.name}-kept", f"{site.name}-more"
    compose = site.app / "compose.yaml"
    compose.write_text(compose.read_text() + KEEPER.format(app=site.name))
    site.settings(kinds={"keeper": "handover"}, healthy_within=20)
    site.docker("volume", "create", kept)
    site.docker("tag", "python:3.13-slim", tool)
    site.commit("1")
    assert f"volume {kept} of" in words(site.inv("plan"))
    site.receipt("deploy")
    adopted = json.loads(site.read("adopted.json"))
    assert set(adopted["volumes"]) == {kept} and f"docker.io/library/{tool}" in adopted["images"]
    site.docker("tag", "haproxy:3.0", tool)
    site.commit("2")
    refused(site, f"image:{tool}", f"image {tool} is now sha256:", "deploy")
    refused(site, f"image:{tool}", "somebody replaced it", "plan")
    allow(site, f"image:{tool}")
    second = site.receipt("deploy")["release"]
    site.docker("volume", "create", more)
    site.rewrite(f"name: {site.name}-kept", f"name: {more}")
    site.commit("3")
    refused(site, f"volume:{more}", f"volume {more} is here", "deploy")
    allow(site, f"volume:{more}")
    third = site.receipt("deploy")["release"]
    site.docker("tag", "python:3.13-slim", tool)
    assert site.receipt("rollback")["release"] == second, "a rollback runs images by their ids"
    for name in site.docker("ps", "--all", "--quiet", "--filter", f"volume={more}").split():
        site.docker("rm", "--force", name)
    site.docker("volume", "rm", more)
    site.docker("volume", "create", more)
    refused(site, f"volume:{more}", "somebody replaced it", "rollback", "--to", third)
    allow(site, f"volume:{more}")
    assert site.receipt("rollback", "--to", third)["release"] == third and site.answer() == "3"


def test_what_others_named_like_parts_of_an_application_is_not_used(site):
    """A network, a container, and another application that would share names."""
    network, container = f"{site.name}-green", f"{site.name}-blue-web-1"
    site.docker("network", "create", network)
    site.docker("create", "--name", container, "redis:8")
    site.commit("1")
    done = site.inv("deploy")
    assert done.returncode == 4, done.stdout
    assert f"network {network} is not Switchyard's" in words(done), done.stdout
    assert f"container {container} is not Switchyard's" in words(done), done.stdout
    site.docker("network", "rm", network)
    site.docker("rm", container)
    site.receipt("deploy")
    other = f"{site.name}-blue"
    settings = json.loads((site.checkout / "invoke.yaml").read_text())
    settings["app"]["name"] = other
    (site.checkout / "invoke.yaml").write_text(json.dumps(settings))
    planned = words(site.inv("plan"))
    assert f"containers of {other} and of the application {site.name}, which is on this host too" in planned, planned
