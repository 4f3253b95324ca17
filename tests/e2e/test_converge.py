"""The same verb typed again starts what is missing of the live release, leaves what runs, and names what is ill."""

from __future__ import annotations

import json

import pytest

from tests.harness.services import IDLE, set_cache, set_worker
from tests.harness.site import Site

MAILER = f"""
  mailer:
    build: .
    command: {json.dumps(IDLE)}
    stop_grace_period: 2s
    healthcheck:
      test: ["CMD", "test", "!", "-e", "/tmp/ill"]
      interval: 1s
"""


@pytest.fixture
def every_kind(site: Site) -> Site:
    """An application with two routed containers and one of every other kind of service."""
    site.rewrite("    build: .\n", "    build: .\n    deploy: {replicas: 2}\n")
    set_cache(site, "true")
    set_worker(site, IDLE)
    site.rewrite("\n  worker:", f"{MAILER}\n  worker:")
    compose = site.app / "compose.yaml"
    services, _, volumes = compose.read_text().partition("\nvolumes:\n  kept: {}\n")
    compose.write_text(f"{services}{volumes}\nvolumes:\n  kept: {{}}\n")
    kinds = {"migrate": "oneshot", "worker": "handover", "mailer": "plain"}
    site.settings(kinds=kinds, healthy_within=20, checks={"web": {"port": 8000, "path": "/health"}})
    return site


def standing(site: Site) -> dict[str, str]:
    """Return when each container of the application that runs started, by its name and id."""
    of_app = ("--filter", f"label=switchyard.app={site.name}", "--filter", "status=running")
    started = "docker inspect --format '{{.Name}} {{.Id}}={{.State.StartedAt}}' $(docker ps --quiet \"$@\")"
    lines = site.run("sh", "-c", f'test -z "$(docker ps --quiet $*)" || {started}', "sh", *of_app).splitlines()
    return dict(line.split("=") for line in lines)


def services(containers: dict[str, str]) -> list[str]:
    return sorted(name.split()[0].split("-", 1)[1].rpartition("-")[0] for name in containers)


def one_of_each(site: Site) -> list[str]:
    """Return the name of one running container of each service."""
    names = sorted(name.split()[0].removeprefix("/") for name in standing(site))
    return list({name.rpartition("-")[0]: name for name in names}.values())


ALL = ["blue-mailer", "blue-web", "blue-web", "blue-worker", "edge-edge", "shared-cache"]


@pytest.mark.instance
def test_what_was_killed_by_hand_starts_again_with_the_same_command(site):
    set_worker(site, IDLE)
    site.settings(kinds={"worker": "handover"}, healthy_within=20, checks={"web": {"port": 8000, "path": "/health"}})
    site.commit("1")
    release = site.receipt("deploy")["release"]
    web, worker = f"{site.name}-blue-web-1", f"{site.name}-blue-worker-1"
    retyped: list[tuple[list[str], list[str], int]] = [
        ([web], ["deploy"], 0o600),
        ([worker, web], ["rollback", "--to", release], 0o600),
        ([web], ["deploy"], 0o644),  # a check fails by now, and nothing ships that it could concern
    ]
    for struck, verb, mode in retyped:
        (site.checkout / "prod.env").chmod(mode)
        site.docker("kill", *struck)
        done = site.inv(*verb)
        assert done.returncode == 0 and "repaired" in done.stdout, done.stdout
        assert list(site.containers("blue").values()) == ["running", "running"], done.stdout
        assert site.answer() == "1"
    site.docker("rm", "--force", web, worker)
    again = site.receipt("deploy")
    assert (again["outcome"], again["release"], site.answer()) == ("repaired", release, "1")
    assert site.receipt("deploy")["outcome"] == "unchanged"


@pytest.mark.long
def test_the_same_verb_starts_what_was_stopped_removed_or_paused_by_hand_and_leaves_what_runs(every_kind):
    site = every_kind
    site.commit("1")
    release = site.receipt("deploy")["release"]
    assert services(standing(site)) == ALL
    site.docker("stop", "--time", "1", *(name.split()[0].removeprefix("/") for name in standing(site)))
    done = site.inv("deploy")
    assert (done.returncode, services(standing(site))) == (0, ALL), done.stdout
    assert site.answer() == "1"
    for words, verb in (
        (("rm", "--force"), ("rollback", "--to", release)),
        (("pause",), ("deploy",)),
        (("stop", "--time", "1"), ("deploy",)),
    ):
        before, struck = standing(site), one_of_each(site)
        site.docker(*words, *struck)
        kept = {name: at for name, at in before.items() if name.split()[0][1:] not in struck}
        done = site.inv(*verb)
        assert (done.returncode, services(standing(site))) == (0, ALL), (words, done.stdout)
        assert "repaired" in done.stdout and site.answer() == "1", (words, done.stdout)
        assert kept.items() <= standing(site).items(), f"what ran was not left alone after {words}"
        if words == ("pause",):
            assert standing(site) == before
    whole = standing(site)
    again = site.receipt("deploy")
    assert (again["outcome"], again["release"]) == ("unchanged", release) and standing(site) == whole
    assert site.receipt("status")["hosts"][0]["drift"] == []
    # What runs but is unhealthy is named and left alone: 1 where nothing was started, else 6.
    site.docker("exec", "--user", "0", f"{site.name}-blue-mailer-1", "touch", "/tmp/ill")
    for verb in (("deploy",), ("rollback", "--to", release)):
        done = site.inv(*verb)
        assert done.returncode == 1 and "mailer" in done.stdout and "not whole" in done.stdout, done.stdout
        assert standing(site) == whole
    site.docker("kill", f"{site.name}-blue-worker-1")
    done = site.inv("deploy")
    assert done.returncode == 6 and "mailer" in done.stdout and "Started: worker" in done.stdout, done.stdout
    assert services(standing(site)) == ALL
