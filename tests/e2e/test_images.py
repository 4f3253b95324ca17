"""Every service runs the image that its release built, or the one that a registry had at its deploy."""

from __future__ import annotations

import json

import pytest

from switchyard.core import commands
from tests.harness.image_registry import running_registry
from tests.harness.services import IDLE

NAMING = f"""    image: app:dev
  base: {{build: ./base, image: "base:dev", command: ["true"]}}
  job: {{image: "app:dev", command: ["sh", "-c", "echo job of $$(cat VERSION) on $$(cat base)"]}}
  worker:
    image: docker.io/library/app:dev
    command: {json.dumps(IDLE)}
    healthcheck: {{test: ["CMD", "true"], interval: 1s}}
"""


@pytest.mark.instance
def test_a_service_that_names_an_image_of_this_document_runs_the_code_of_this_release(site):
    """Older images of the same names are on the host, as after a deploy by hand."""
    (site.app / "base").mkdir()
    (site.app / "base" / "Dockerfile").write_text("FROM python:3.13-slim\nCOPY VERSION /srv/base\n")
    (site.app / "base" / "VERSION").write_text("older base")
    site.rewrite("FROM python:3.13-slim", "FROM base:dev", "Dockerfile")
    compose = site.app / "compose.yaml"
    compose.write_text(compose.read_text() + NAMING)
    site.settings(kinds={"base": "oneshot", "job": "oneshot", "worker": "handover"})
    site.commit("older")
    site.copy_to("/srv/by-hand")
    for service in ("base", "web"):
        site.docker("compose", "-f", "/srv/by-hand/compose.yaml", "build", "--quiet", service)
    (site.app / "base" / "VERSION").write_text("new base")
    site.commit("new")
    release = site.receipt("deploy")["release"]
    assert "job of new on new base" in site.read(f"releases/{release}/log")
    images = json.loads(site.read(f"releases/{release}/release.json"))["images"]
    assert images["worker"] == images["web"] == images["job"] and site.answer() == "new"


PUBLISHED = """  tool:
    image: 127.0.0.1:5000/team/tool:1
    command: ["sleep", "10000"]
    init: true
    healthcheck: {test: ["CMD", "true"], interval: 1s}
  cache:
    image: 127.0.0.1:5000/team/tool:1
    command: ["sleep", "10000"]
    init: true
    healthcheck: {test: ["CMD", "true"], interval: 1s}
"""


def content(site, service):
    """Return what stands in the image that a service runs."""
    label = f"label=com.docker.compose.service={service}"
    (container,) = site.docker(
        "ps", "--quiet", "--filter", f"label=switchyard.app={site.name}", "--filter", label
    ).split()
    return site.docker("exec", container, "cat", "/content")


@pytest.mark.instance
def test_a_tag_that_moves_is_pinned_at_each_deploy_and_a_rollback_or_a_registry_that_is_away_needs_none(site):
    """The registry is a private one. A shared service moves at its own apply alone."""
    with running_registry(site) as registry:
        image = registry.publish("team/tool:1", "one")
        compose = site.app / "compose.yaml"
        compose.write_text(compose.read_text() + PUBLISHED)
        site.settings(kinds={"tool": "handover", "cache": "shared"}, healthy_within=20)
        site.commit("1")
        first = site.receipt("deploy")["release"]
        registry.publish("team/tool:1", "two")
        (planned,) = json.loads(site.inv("plan", "--json").stdout)["hosts"]
        assert any(f"service tool: {image} moves from sha256:" in change for change in planned["changes"]), planned
        assert site.docker("run", "--rm", image, "cat", "/content") == "one", "a plan pulls nothing"
        (done,) = site.receipt("deploy")["hosts"]
        carried = [(f"{s['name']} {s['colour']}" if s["colour"] else s["name"], s["commands"]) for s in done["steps"]]
        assert commands.digest(carried) == planned["digest"]
        assert (content(site, "tool"), content(site, "cache")) == ("two", "one")
        pins = json.loads(site.read(f"releases/{first}/release.json"))["pins"]
        assert pins["tool"]["image"].startswith("127.0.0.1:5000/team/tool@sha256:")
        assert "nothing to do" in site.inv("deploy").stdout
        applied = site.inv("shared.apply", "--yes")
        assert applied.returncode == 0 and "cache: image" in applied.stdout, applied.stdout
        assert content(site, "cache") == "two"
        registry.accept("second")
        site.commit("2")
        refused = site.inv("deploy")
        assert refused.returncode == 4 and "does not accept this host's login" in refused.stdout, refused.stdout
        assert "docker login 127.0.0.1:5000" in refused.stdout and "building" not in refused.stdout
        registry.stop()
        site.receipt("rollback")
        assert content(site, "tool") == "one" and site.docker("run", "--rm", image, "cat", "/content") == "two"
        site.commit("3")
        deployed = site.inv("deploy")
        assert deployed.returncode == 0 and "the image that is here is used" in deployed.stdout, deployed.stdout
        assert content(site, "tool") == "two" and site.answer() == "3"
