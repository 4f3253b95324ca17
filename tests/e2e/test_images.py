"""Every service runs the image that its release built, or the one that a registry had at its deploy."""

from __future__ import annotations

import json

import pytest

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
