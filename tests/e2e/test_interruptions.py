"""An engine, a proxy or an operator that stops in the middle leaves a state that says what it is."""

from __future__ import annotations

import json
import signal
import time

from tests.harness import formats
from tests.harness.services import IDLE, set_worker, worker_containers


def test_an_engine_that_is_killed_past_the_switch_is_waited_for_and_the_release_goes_live(site):
    site.rewrite("    build: .\n", "    build: .\n    restart: unless-stopped\n")
    set_worker(site, IDLE)
    site.settings(kinds={"worker": "handover"}, healthy_within=20)
    site.commit("1")
    site.receipt("deploy")
    site.commit("2")
    done = site.deploy_struck("switching traffic", lambda _: site.run("pkill", "-9", "dockerd"))
    assert done.returncode == 0, done.stdout
    assert site.answer() == "2"
    assert worker_containers(site) == [f"{site.name}-green-worker-1"]


def test_a_proxy_that_is_killed_in_the_middle_is_waited_for_and_the_release_goes_live(site):
    site.commit("1")
    site.receipt("deploy")
    edge = f"docker inspect --format '{{{{.State.Pid}}}}' {site.name}-edge-edge-1"
    site.commit("2")
    done = site.deploy_struck("building images", lambda _: site.run("sh", "-c", f"kill -9 $({edge})"))
    assert done.returncode == 0 and "FAILED" not in done.stdout, done.stdout
    assert site.answer() == "2"


def test_control_c_in_a_build_that_hangs_cancels_and_frees_the_lease(site):
    site.commit("1")
    site.receipt("deploy")
    site.build_with("RUN sleep 600")
    site.commit("2")
    with site.start("deploy", "--host", "prod", "--json") as process:
        site.wait_for("sleep 600", process)
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 130 and json.loads(output)["reason"] == "nothing live changed", output
    formats.require_printed(["deploy"], process.returncode, output)
    assert time.monotonic() - began < 10
    site.rewrite("RUN sleep 600\n", "", "Dockerfile")
    site.commit("3")
    site.receipt("deploy")
    assert site.answer() == "3"


def test_control_c_after_the_switch_detaches_and_the_host_goes_on_to_its_end(site):
    set_worker(site, IDLE)
    site.settings(kinds={"worker": "handover"}, healthy_within=20)
    site.commit("1")
    site.receipt("deploy")
    site.commit("2")
    done = site.deploy_struck("switching traffic", lambda process: process.send_signal(signal.SIGINT))
    assert done.returncode == 130 and "detached: the host goes on by itself" in done.stdout, done.stdout
    deadline = time.monotonic() + 60
    while (machine := site.receipt("status")["hosts"][0])["lease"] is not None:
        assert time.monotonic() < deadline, machine
        time.sleep(0.5)
    assert machine["live"]["state"] == "unverified" and site.answer() == "2"
    assert worker_containers(site) == [f"{site.name}-green-worker-1"]
