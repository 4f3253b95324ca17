"""A oneshot that fails or hangs stops its release before the switch."""

from __future__ import annotations

import signal

from tests.harness.services import redis, set_cache


def test_a_oneshot_that_fails_stops_the_release_before_the_switch(site):
    site.commit("1")
    site.receipt("deploy")
    compose = site.app / "compose.yaml"
    compose.write_text(compose.read_text() + "  migrate: {build: ., command: ['sh', '-c', 'echo half done; exit 7']}\n")
    site.settings(kinds={"migrate": "oneshot"})
    site.commit("2")
    done = site.inv("deploy")
    assert done.returncode == 1 and "migrate ended with 7" in done.stdout and "half done" in done.stdout, done.stdout
    assert ("oneshots", "failed") in site.journal()
    assert site.answer() == "1" and "running" not in site.containers("green").values()


def test_a_oneshot_that_hangs_half_done_is_run_again_and_a_restart_of_the_database_meanwhile_is_survived(
    site, under_load
):
    site.settings(kinds={"migrate": "oneshot"}, healthy_within=30)
    set_cache(site, "true")
    site.commit("1")
    site.receipt("deploy")
    database = site.docker("inspect", "--format", "{{.Id}} {{.Created}}", f"{site.name}-shared-cache-1")
    load = under_load()
    set_cache(site, "redis-cli -h cache incr half; sleep 600")
    site.commit("2")
    with site.start("deploy", "--host", "prod") as process:
        site.wait_for_migrate(process)
        site.until(lambda: redis(site, "get", "half") == "1", process)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 130 and "nothing live changed" in output, output
    assert "migrate" not in site.docker("ps", "--format", "{{.Names}}") and site.answer() == "1"
    set_cache(site, "redis-cli -h cache incr half; sleep 5; redis-cli -h cache set whole yes")
    site.commit("3")
    with site.start("deploy", "--host", "prod") as process:
        site.wait_for_migrate(process)
        site.docker("restart", f"{site.name}-shared-cache-1")
        output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    assert (redis(site, "get", "half"), redis(site, "get", "whole")) == ("2", "yes")
    now = site.docker("inspect", "--format", "{{.Id}} {{.Created}}", f"{site.name}-shared-cache-1")
    assert now == database and site.answer() == "3"
    assert load.stop().failed == 0
