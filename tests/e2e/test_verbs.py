"""The verbs beside deploy and rollback, on a real host, seen from outside."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator

import pytest

from switchyard.core import commands
from tests.e2e.conftest import PORTS, Site
from tests.relay import Relay

CACHE = """
  cache:
    image: redis:8
    command: ["redis-server", "/etc/cache/redis.conf"]
    volumes:
      - kept:/data
      - ./cache:/etc/cache:ro
    healthcheck:
      test: ["CMD", "redis-cli", "ping"]
      interval: 1s
volumes:
  kept: {}
"""


@pytest.fixture
def with_cache(site: Site) -> Site:
    (site.app / "cache").mkdir()
    (site.app / "cache" / "redis.conf").write_text("bind 0.0.0.0\nprotected-mode no\nmaxclients 100\n")
    compose = site.app / "compose.yaml"
    compose.write_text(compose.read_text() + CACHE)
    return site


def cache(site: Site, *words: str) -> str:
    return site.docker("exec", f"{site.name}-shared-cache-1", "redis-cli", *words)


def test_scale_runs_so_many_without_a_failed_request_and_later_releases_keep_it(site, under_load):
    site.commit("1")
    site.receipt("deploy")
    load = under_load()
    assert site.inv("scale", "--service", "web", "--count", "2").returncode == 0
    assert list(site.containers("blue").values()) == ["running", "running"]
    site.commit("2")
    site.receipt("deploy")
    assert list(site.containers("green").values()) == ["running", "running"]
    assert site.inv("restart", "--service", "web").returncode == 0
    assert site.inv("scale", "--service", "web", "--count", "1").returncode == 0
    summary = load.stop()
    assert list(site.containers("green").values()) == ["running"]
    assert summary.sent > 500 and summary.failed == 0, summary.errors
    refused = site.inv("scale", "--service", "nothing", "--count", "2")
    assert refused.returncode == 2 and "web" in refused.stdout
    assert site.inv("scale", "--service", "web", "--count", "99").returncode == 2


def test_a_changed_shared_service_stops_a_deploy_and_shared_apply_carries_it_out_with_its_data(with_cache):
    site = with_cache
    site.commit("1")
    site.receipt("deploy")
    cache(site, "set", "row", "kept")
    cache(site, "save")
    (site.app / "cache" / "redis.conf").write_text("bind 0.0.0.0\nprotected-mode no\nmaxclients 77\n")
    site.commit("2")
    refused = site.inv("deploy")
    assert refused.returncode == 4 and "inv shared.apply --host prod" in refused.stdout, refused.stdout
    unasked = site.inv("shared.apply")
    assert unasked.returncode == 4 and "--yes" in unasked.stdout, unasked.stdout
    assert "100" in cache(site, "config", "get", "maxclients")
    applied = site.inv("shared.apply", "--yes")
    assert applied.returncode == 0, applied.stdout
    assert "77" in cache(site, "config", "get", "maxclients")
    assert cache(site, "get", "row") == "kept"
    again = site.inv("shared.apply", "--yes")
    assert again.returncode == 0 and "nothing to do" in again.stdout
    site.receipt("deploy")
    assert site.answer() == "2"


def test_a_shared_service_that_does_not_come_up_goes_back_to_what_it_was(with_cache):
    site = with_cache
    site.commit("1")
    site.receipt("deploy")
    cache(site, "set", "row", "kept")
    site.rewrite('"redis-server", "/etc/cache/redis.conf"', '"redis-server", "--no-such-option", "1"')
    site.commit("2")
    applied = site.inv("shared.apply", "--yes")
    assert applied.returncode == 5, applied.stdout
    assert cache(site, "get", "row") == "kept"
    assert site.answer() == "1"


def test_edge_apply_gives_the_edge_a_new_address(site):
    site.commit("1")
    site.receipt("deploy")
    old, site.port = site.port, next(PORTS)
    site.rewrite(f'"{old}:8000"', f'"{site.port}:8000"')
    site.commit("2")
    refused = site.inv("deploy")
    assert refused.returncode == 4 and "inv edge.apply --host prod" in refused.stdout, refused.stdout
    applied = site.inv("edge.apply", "--yes")
    assert applied.returncode == 0, applied.stdout
    assert site.answer() == "1"
    site.point_at(site.app)
    site.receipt("deploy")
    assert site.answer() == "2"


def test_plan_writes_nothing_and_a_rollback_with_todays_env_is_a_release_of_the_older_commit(site):
    site.commit("1")
    site.receipt("deploy")
    first = site.receipt("status")["hosts"][0]["live"]["commit"]
    site.commit("2")
    before = site.docker("ps", "--all", "--quiet")
    planned = json.loads(site.inv("plan", "--json").stdout)
    assert planned["outcome"] == "planned" and "switch green" in planned["hosts"][0]["steps"]
    assert site.docker("ps", "--all", "--quiet") == before and len(site.receipt("status")["hosts"][0]["kept"]) == 1
    done = site.receipt("deploy")
    carried = [
        f"{step['name']} {step['colour']}" if step["colour"] else step["name"] for step in done["hosts"][0]["steps"]
    ]
    assert ["receive", *carried] == planned["hosts"][0]["steps"]
    back = site.inv("rollback", "--env", "current")
    assert back.returncode == 0, back.stdout
    live = site.receipt("status")["hosts"][0]
    assert site.answer() == "1" and live["live"]["commit"] == first
    assert [kept["state"] for kept in live["kept"]] == ["good", "bad", "good"]


def test_the_old_colour_stops_when_its_standby_is_over_and_still_comes_back(site):
    site.settings(standby=1, drain=1)
    site.commit("1")
    site.receipt("deploy")
    site.commit("2")
    site.receipt("deploy")
    assert list(site.containers("blue").values()) == ["running"]
    deadline = time.monotonic() + 30
    while list(site.containers("blue").values()) == ["running"] and time.monotonic() < deadline:
        restarted = site.inv("restart", "--service", "web")
        assert restarted.returncode == 0, restarted.stdout
    assert list(site.containers("blue").values()) == ["exited"]
    site.receipt("rollback")
    assert site.answer() == "1"


@pytest.fixture
def relay(site: Site) -> Iterator[Relay]:
    made = Relay(site.host.port)
    site.reach_through(made.port)
    yield made
    made.server.close()


def test_a_connection_that_is_cut_is_made_again_and_the_deploy_goes_to_its_end(site, relay):
    site.commit("1")
    said = ""
    with site.start("deploy", "--host", "prod") as process:
        assert process.stdout is not None
        for line in process.stdout:
            said += line
            if "building images" in line:
                relay.cut()
    assert process.returncode == 0, said
    assert "building images" in said and "2 remote executions" in said
    with urllib.request.urlopen(site.url, timeout=5) as answer:
        assert answer.status == 200


def test_what_a_plan_prints_is_what_a_deploy_carries_out(site):
    """Steps and commands by one digest, with a oneshot, a worker, an image that is pulled, and a smoke command."""
    compose = site.app / "compose.yaml"
    compose.write_text(
        compose.read_text()
        + "  migrate: {build: ., command: ['true']}\n"
        + "  worker: {build: ., command: ['sleep', '1000'], init: true, healthcheck: {test: ['CMD', 'true']}}\n"
        + "  cache: {image: 'redis:8', healthcheck: {test: ['CMD', 'redis-cli', 'ping'], interval: 1s}}\n"
    )
    kinds = {"migrate": "oneshot", "worker": "handover", "cache": "shared"}
    site.settings(kinds=kinds, smoke=["sh", "-c", "true"], healthy_within=20)
    for version in ("1", "2", "3"):
        site.commit(version)
        (planned,) = json.loads(site.inv("plan", "--json").stdout)["hosts"]
        (done,) = site.receipt("deploy")["hosts"]
        carried = [(f"{s['name']} {s['colour']}" if s["colour"] else s["name"], s["commands"]) for s in done["steps"]]
        assert carried == [(name, list(planned["commands"][name])) for name in planned["steps"] if name != "receive"]
        assert commands.digest(carried) == planned["digest"]
    assert "images of migrate, web, worker: known after build" in planned["changes"]


def test_a_plan_says_what_changes_and_no_value(site):
    site.commit("1")
    site.receipt("deploy")
    (site.checkout / "prod.env").write_text("BREAK=none\nADDED=a-secret-value\n")
    site.rewrite("stop_grace_period: 20s", "stop_grace_period: 21s")
    site.commit("2")
    said = site.inv("plan").stdout
    assert "env keys added: ADDED" in said and "compose: web: stop_grace_period" in said, said
    assert "a-secret-value" not in said


def test_doctor_finds_what_would_stop_a_deploy(site):
    site.commit("1")
    well = site.inv("doctor")
    assert well.returncode == 0 and "all is well" in well.stdout, well.stdout
    site.docker("run", "--detach", "--name", "holder", "--publish", f"{site.port}:80", "redis:8")
    try:
        ill = site.inv("doctor")
        assert ill.returncode == 1 and f"port {site.port}, held by container holder" in ill.stdout, ill.stdout
    finally:
        site.docker("rm", "--force", "--volumes", "holder")


def test_env_from_the_host_is_that_of_the_live_release(site):
    site.commit("1")
    path = site.checkout / "invoke.yaml"
    written = path.read_text()
    path.write_text(written.replace('{"files": ["prod.env"]}', '{"host": true}'))
    refused = site.inv("deploy")
    assert refused.returncode == 4 and "env.files for the first deploy" in refused.stdout, refused.stdout
    path.write_text(written)
    site.receipt("deploy")
    path.write_text(written.replace('{"files": ["prod.env"]}', '{"host": true}'))
    (site.checkout / "prod.env").unlink()
    site.commit("2")
    site.receipt("deploy")
    assert site.answer() == "2"
    assert site.run("cat", f"/home/deploy/apps/{site.name}/current/env") == "BREAK=none"


def test_ten_deploys_stay_within_a_tenth_of_the_disk_of_five(site):
    used = []
    for number in range(10):
        site.commit(str(number))
        site.receipt("deploy")
        sizes = site.run("du", "-sxk", "/var/lib/docker", "/home/deploy/apps").splitlines()
        used.append(sum(int(line.split()[0]) for line in sizes))
    assert used[9] <= used[4] * 1.1, used
    assert len(site.receipt("status")["hosts"][0]["kept"]) == 5


def test_a_dry_run_says_whether_the_host_would_refuse_the_commit(site):
    older = site.commit("1")
    site.commit("2")
    site.receipt("deploy")
    (planned,) = json.loads(site.inv("deploy", "--dry-run", "--rev", older, "--json").stdout)["hosts"]
    assert any(change.startswith("REFUSED: not a descendant of") for change in planned["changes"]), planned


def test_a_migration_that_must_not_be_repeated_is_not(site):
    compose = site.app / "compose.yaml"
    compose.write_text(compose.read_text() + "  migrate: {build: ., command: ['sleep', '3']}\n")
    site.settings(kinds={"migrate": "oneshot"}, migrations={"service": "migrate", "repeat": "never"})
    site.commit("1")
    with site.start("deploy", "--host", "prod") as process:
        while f"{site.name}-migrate-" not in site.docker("ps", "--format", "{{.Names}}"):
            assert process.poll() is None, process.communicate()[0]
        lease = json.loads(site.run("cat", f"/home/deploy/apps/{site.name}/lease.json"))
        site.run("kill", "-9", str(lease["pid"]))
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 1 and "the host program was killed" in said, said
    refused = site.inv("deploy")
    assert refused.returncode == 4 and "must not be repeated" in refused.stdout, refused.stdout
    site.receipt("deploy", "--force", "--yes")
    assert site.answer() == "1"


def test_a_plain_project_that_somebody_starts_beside_it_is_drift(site):
    site.commit("1")
    site.receipt("deploy")
    folder = f"/home/deploy/{site.name}"
    site.copy_to(folder, site.port + 1000)
    compose = ("compose", "-p", site.name, "--project-directory", folder)
    site.docker(*compose, "up", "-d", "--build")
    try:
        status = site.inv("status")
        assert status.returncode == 7 and f"plain project {site.name} runs in {folder}" in status.stdout, status.stdout
    finally:
        site.docker(*compose, "down")
