"""Changes by hand: no deploy stops for them or goes on beside them, and the screen names them."""

from __future__ import annotations

from tests.harness.services import IDLE, redis, set_cache, set_worker, worker_containers


def test_a_torn_journal_and_what_was_deleted_by_hand_stop_no_deploy(site):
    root = f"/home/deploy/apps/{site.name}"
    site.commit("1")
    first = site.receipt("deploy")["release"]
    site.commit("2")
    second = site.receipt("deploy")["release"]
    site.run(
        "sh",
        "-c",
        f'printf \'{{"v": 1, "to\' >> {root}/journal.jsonl; rm {root}/current; rm -r {root}/releases/{first}',
    )
    history = site.inv("history")
    assert history.returncode == 0 and "is torn" in history.stdout, history.stdout
    gone = site.inv("rollback")
    assert gone.returncode == 4 and "nothing to go back to" in gone.stdout, gone.stdout
    site.commit("3")
    site.receipt("deploy")
    assert site.answer() == "3"
    assert second in site.receipt("rollback")["release"]


def test_the_live_release_s_folder_deleted_by_hand_still_serves_and_is_replaced(site):
    site.commit("1")
    first = site.receipt("deploy")["release"]
    site.run("rm", "-r", f"/home/deploy/apps/{site.name}/releases/{first}")
    assert site.answer() == "1"
    assert "Traceback" not in site.inv("status").stdout
    site.commit("2")
    site.receipt("deploy")
    assert site.answer() == "2"


def test_containers_that_somebody_stopped_or_removed_are_drift_and_the_next_release_goes_live(site):
    set_worker(site, IDLE)
    set_cache(site, "true")
    site.settings(kinds={"migrate": "oneshot", "worker": "handover"}, healthy_within=20)
    site.commit("1")
    site.receipt("deploy")
    site.docker("rm", "--force", f"{site.name}-blue-worker-1", f"{site.name}-shared-cache-1")
    status = site.inv("status")
    assert status.returncode == 7 and "health unknown" in status.stdout, status.stdout
    assert "worker of blue, which is live, runs 0 of 1 times" in status.stdout, status.stdout
    assert "the shared service cache runs 0 of 1 times" in status.stdout, status.stdout
    for version, live, by_hand, problem in (
        ("2", "blue", ("stop",), "web of blue, which is live, runs 0 of 1 times"),
        ("3", "green", ("rm", "--force"), "green, which is live, has no container"),
    ):
        site.docker(*by_hand, *site.containers(live))
        status = site.inv("status")
        assert status.returncode == 7 and problem in status.stdout, status.stdout
        site.commit(version)
        site.receipt("deploy")
        assert site.answer() == version
    assert (
        worker_containers(site) == [f"{site.name}-blue-worker-1"] and site.receipt("status")["hosts"][0]["drift"] == []
    )


def test_a_foreign_container_on_the_port_is_named_and_left_alone(site):
    def hold() -> None:
        site.docker("run", "--detach", "--name", "holder", "--publish", f"{site.port}:80", "redis:8")

    site.commit("1")
    hold()
    try:
        first = site.inv("deploy")
        assert first.returncode == 4 and f"port {site.port}, held by container holder" in first.stdout, first.stdout
        assert "sending" not in first.stdout
        site.docker("rm", "--force", "--volumes", "holder")
        site.receipt("deploy")
        site.docker("rm", "--force", *site.containers("edge"))
        hold()
        site.commit("2")
        later = site.inv("deploy")
        assert later.returncode == 1 and f"{site.port}" in later.stdout and "allocated" in later.stdout, later.stdout
        assert site.docker("inspect", "--format", "{{.State.Running}}", "holder") == "true"
        assert list(site.containers("blue").values()) == ["running"]
    finally:
        site.docker("rm", "--force", "--volumes", "holder")
    site.receipt("deploy")
    assert site.answer() == "2"


def test_an_old_project_on_the_same_volume_or_folder_is_found_before_and_after_and_no_deploy_goes_on_beside_it(site):
    set_cache(site, "true")
    folder, state = f"/home/deploy/{site.name}-old", f"/home/deploy/{site.name}-state"
    site.rewrite('"kept:/data"', f'"kept:/data", "{state}:/state"')
    old = ("compose", "-p", f"old{site.port}", "--project-directory", folder)
    site.settings(kinds={"migrate": "oneshot"}, volumes={"kept": {"external": f"old{site.port}_kept"}})
    site.commit("1")
    site.copy_to(folder, site.port + 1000)
    site.docker(*old, "up", "-d", "cache")
    holder = f"old{site.port}-cache-1"
    try:
        site.docker("exec", holder, "redis-cli", "set", "row", "kept")
        before = site.inv("deploy")
        assert before.returncode == 4, before.stdout
        for what in (f"volume old{site.port}_kept", f"folder {state}"):
            assert f"{what} is mounted by running container {holder}" in before.stdout, before.stdout
        assert site.containers("shared") == {}
        site.docker(*old, "down")
        site.receipt("deploy")
        assert redis(site, "get", "row") == "kept"
        site.docker(*old, "up", "-d", "cache")
        status = site.inv("status")
        assert status.returncode == 7, status.stdout
        for what in ("volume", "folder"):
            assert f"container {holder} mounts {what}" in status.stdout, status.stdout
        site.commit("2")
        after = site.inv("deploy")
        assert after.returncode == 4 and holder in after.stdout and site.answer() == "1", after.stdout
    finally:
        site.docker(*old, "down")
    site.receipt("deploy")
    assert site.answer() == "2" and redis(site, "get", "row") == "kept"


def test_a_changed_host_key_is_told_and_nothing_is_sent(site):
    site.commit("1")
    site.receipt("deploy")
    known = site.checkout / ".switchyard" / "known_hosts"
    where, kind, key = known.read_text().split()[:3]
    known.write_text(f"{where} {kind} {key[:-8]}{'A' * 8}\n")
    site.commit("2")
    done = site.inv("deploy")
    assert done.returncode == 3 and "host key changed" in done.stdout, done.stdout
    assert site.answer() == "1"
