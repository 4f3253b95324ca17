"""A rollback that is typed again, or too late, goes back once."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time

import pytest

from switchyard.core.lease import BEAT_WITHIN
from tests.harness.services import IDLE, set_worker
from tests.harness.site import Site

MIGRATE = """
  migrate:
    build: {{context: ., dockerfile: Dockerfile.migrate}}
    command: ["true"]
"""


def signalled(process: subprocess.Popen[str], number: int) -> None:
    os.killpg(process.pid, number)


def kill_after_switch(site: Site) -> None:
    """Type a rollback whose operator dies as soon as traffic has moved. The host goes on by itself."""
    with site.start("rollback", "--host", "prod", new_session=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "switching traffic" in line:
                signalled(process, signal.SIGKILL)


@pytest.mark.instance
def test_a_rollback_typed_again_or_thawed_goes_back_once_also_without_the_image_of_its_oneshot(site):
    set_worker(site, IDLE)
    compose = site.app / "compose.yaml"
    compose.write_text(compose.read_text() + MIGRATE.format())
    site.settings(kinds={"worker": "handover", "migrate": "oneshot"}, healthy_within=20)
    ids = []
    for version in ("1", "2", "3"):
        (site.app / "Dockerfile.migrate").write_text(f"FROM python:3.13-slim\nRUN echo {site.name} {version} > /it\n")
        site.commit(version)
        ids.append(site.receipt("deploy")["release"])
    migrated = f"switchyard/{site.name}/migrate:{ids[1]}"
    site.docker("rmi", "--force", site.docker("inspect", "--format", "{{.Id}}", migrated))

    frozen_at = time.monotonic()
    with site.start("rollback", "--host", "prod", new_session=True) as frozen:
        signalled(frozen, signal.SIGSTOP)
        kill_after_switch(site)
        again = site.inv("rollback")
        assert again.returncode == 0 and site.answer() == "2", again.stdout
        assert "1 remote executions" in again.stdout, again.stdout
        assert f"Go further back with: inv rollback --host prod --to {ids[0]}" in again.stdout, again.stdout
        assert site.workers() == [ids[1]]
        states = {kept["release"]: kept["state"] for kept in site.receipt("status")["hosts"][0]["kept"]}
        assert states == {ids[0]: "good", ids[1]: "good", ids[2]: "bad"}
        time.sleep(max(0.0, frozen_at + BEAT_WITHIN + 2 - time.monotonic()))
        signalled(frozen, signal.SIGCONT)
        output, _ = frozen.communicate(timeout=60)
    assert frozen.returncode == 4 and "s ago; run it again" in output, output
    assert site.answer() == "2" and site.workers() == [ids[1]]

    further = site.inv("rollback")
    assert further.returncode == 0 and site.answer() == "1", further.stdout


FAILS_USERS = """\
        if self.headers["Host"].startswith("{ip}") and os.path.exists("/refuses/users"):
            return self.answer(500, "refused")
"""
SLOW_FOR_USERS = """\
        if self.headers["Host"].startswith("{ip}"):
            Handler.asked = getattr(Handler, "asked", time.monotonic())
            time.sleep(6 if time.monotonic() > Handler.asked + 0.3 else 0)
"""
"""Users wait longer than a probe, and less long than a look."""
GET = "        parts = urlsplit(self.path)\n"


@pytest.mark.instance
def test_a_rollback_to_a_release_that_fails_at_the_public_address_is_not_good(site):
    set_worker(site, IDLE)
    site.settings(kinds={"worker": "handover"}, healthy_within=20)
    site.rewrite("    ports:\n", '    volumes: ["/srv/refuses:/refuses"]\n    ports:\n')
    site.rewrite(GET, FAILS_USERS.format(ip=site.host.ip) + GET, "app.py")
    site.run("mkdir", "-p", "/srv/refuses")
    site.commit("1")
    first = site.receipt("deploy")["release"]
    site.rewrite(FAILS_USERS.format(ip=site.host.ip), "", "app.py")
    site.commit("2")
    site.receipt("deploy")
    site.run("touch", "/srv/refuses/users")
    done = site.inv("rollback")
    site.run("rm", "-r", "/srv/refuses")
    assert done.returncode == 6 and "probes of the public address failed (500)" in done.stdout, done.stdout
    live = site.receipt("status")["hosts"][0]["live"]
    assert (live["release"], live["state"]) == (first, "unverified")


@pytest.mark.long
@pytest.mark.instance
def test_a_release_that_begins_to_fail_users_seconds_after_its_switch_is_not_good(site):
    set_worker(site, IDLE)
    site.settings(kinds={"worker": "handover"}, healthy_within=20)
    site.commit("1")
    site.receipt("deploy")
    site.rewrite(GET, SLOW_FOR_USERS.format(ip=site.host.ip) + GET, "app.py")
    site.commit("2")
    done = site.inv("deploy")
    reason = re.search(r"probes of the public address failed \((timed out|no answer yet)\)", done.stdout)
    assert done.returncode == 6 and reason, done.stdout
    assert site.receipt("status")["hosts"][0]["live"]["state"] == "unverified"
