"""Where a host runs out of something, the screen names it, the live release serves on and a rollback works."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess

import pytest

from switchyard.host.adapters.disk import RESERVE

INODES = 1500


def root_of(site) -> str:
    return f"/home/deploy/apps/{site.name}"


def mount(site, path: str, size: str) -> None:
    """Mount a disk of its own, which a test can fill, at a folder of the application."""
    site.run("su", "deploy", "-c", f"mkdir -p {path}")
    site.run("mount", "-t", "tmpfs", "-o", f"size={size},nr_inodes={INODES},mode=700,uid=1000,gid=1000", "tmpfs", path)


@pytest.fixture
def small(site):
    """Put the application's root on a disk of its own."""
    mount(site, root_of(site), "1300m")
    yield site
    site.run("umount", "--lazy", root_of(site))


def fill(site) -> None:
    root = root_of(site)
    site.run("sh", "-c", f"dd if=/dev/zero of={root}/filling bs=1M 2>/dev/null; true")
    assert int(site.run("df", "--output=avail", root).split()[-1]) <= RESERVE >> 10  # a write may have freed some


def free(site) -> None:
    site.run("sh", "-c", f"rm -rf {root_of(site)}/filling*")


@pytest.fixture
def on_the_way(site, tmp_path, monkeypatch):
    """Run a command on the host, as root, between hello and receive: git packs the release just then."""
    stub = tmp_path / "bin" / "git"
    stub.parent.mkdir()
    real = shutil.which("git")
    monkeypatch.setenv("PATH", f"{stub.parent}{os.pathsep}{os.environ['PATH']}")

    def happens(command: str) -> None:
        there = f"docker exec {site.host.container} sh -c '{command}' >&2"
        stub.write_text(f'#!/bin/sh\ncase " $* " in *" pack-objects "*) {there};; esac\nexec {real} "$@"\n')
        stub.chmod(0o755)

    happens("true")
    return happens


def stopped(site, *, says: str, live: str) -> None:
    """Run a deploy that must change nothing, say so, and free the lease."""
    done = site.inv("deploy")
    assert done.returncode == 1 and says in done.stdout, done.stdout
    assert "Traceback" not in done.stdout and "has a bug" not in done.stdout, done.stdout
    assert site.answer() == live
    assert site.receipt("status")["hosts"][0]["lease"] is None


def test_a_disk_that_fills_up_while_a_release_is_received_stops_it_and_the_next_one_goes_live(small, on_the_way):
    site, root = small, root_of(small)
    site.commit("1")
    site.receipt("deploy")
    (site.app / "large").write_bytes(bytes(30 << 20))
    site.commit("2")
    on_the_way(f"dd if=/dev/zero of={root}/filling bs=1M 2>/dev/null; true")
    stopped(site, says="is full. Free space", live="1")
    free(site)
    most = f"$(($(df -k --output=avail {root} | tail -1) / 1024 - 20))"
    on_the_way(f"dd if=/dev/zero of={root}/filling bs=1M count={most} 2>/dev/null")
    stopped(site, says="is full. Free space", live="1")
    free(site)
    on_the_way(f"for n in $(seq {INODES}); do : > {root}/filling$n; done 2>/dev/null; true")
    stopped(site, says="has no free inodes", live="1")
    free(site)
    on_the_way("true")
    site.receipt("deploy")
    assert site.answer() == "2"


def test_a_disk_that_fills_up_in_a_oneshot_stops_the_release_which_goes_live_once_there_is_room(small):
    site = small
    site.commit("1")
    site.receipt("deploy")
    compose = site.app / "compose.yaml"
    compose.write_text(compose.read_text() + "  migrate: {build: ., command: ['sleep', '4']}\n")
    site.settings(kinds={"migrate": "oneshot"})
    site.commit("2")
    with site.start("deploy", "--host", "prod") as process:
        site.wait_for_migrate(process)
        fill(site)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 1 and "is full. Free space" in output and "Traceback" not in output, output
    assert site.answer() == "1"
    free(site)
    site.receipt("deploy")
    assert site.answer() == "2"


def test_a_disk_that_fills_up_before_the_switch_changes_nothing_and_one_that_does_after_it_stops_nothing(
    site, under_load
):
    """Fill first the journal's disk, whose last line is torn, then the map's; the smoke command does it."""
    root = root_of(site)
    maps = f"{root}/edge/maps"
    mount(site, root, "1300m")
    mount(site, maps, "64k")
    try:
        site.commit("1")
        first = site.receipt("deploy")["release"]
        load = under_load()
        rest = f"$((4096 - $(stat -c %s {root}/journal.jsonl) % 4096))"
        torn = f"head -c {rest} /dev/zero | tr '\\0' x >> {root}/journal.jsonl"
        site.settings(smoke=["sh", "-c", f"dd if=/dev/zero of={root}/filling bs=1M; {torn}"])
        site.commit("2")
        stopped(site, says="is full. Free space", live="1")
        free(site)
        kept = f"ln {maps}/previews.map {maps}/kept"  # closing the previews would free what they take
        site.settings(smoke=["sh", "-c", f"{kept}; dd if=/dev/zero of={maps}/filling bs=1k; true"])
        site.commit("3")
        stopped(site, says="is full. Free space", live="1")
        site.run("rm", f"{maps}/filling", f"{maps}/kept")
        summary = load.stop()
        assert summary.failed == 0 and set(summary.releases) == {first}, summary.errors
        site.settings()
        site.commit("4")
        with site.start("deploy", "--host", "prod") as process:
            assert process.stdout is not None
            output = next(line for line in process.stdout if "switching traffic" in line)
            process.send_signal(signal.SIGSTOP)  # the host waits for what the control node sees
            fill(site)
            process.send_signal(signal.SIGCONT)
            output += process.communicate(timeout=60)[0]
        free(site)
        assert process.returncode == 0, output
        assert site.answer() == "4" and site.receipt("status")["hosts"][0]["lease"] is None
        assert [kept["state"] for kept in site.receipt("status")["hosts"][0]["kept"]] == [
            "good",
            "failed",
            "failed",
            "good",
        ]
    finally:
        site.run("umount", "--lazy", maps, root)


def test_a_host_out_of_processes_is_named(site):
    site.commit("1")
    site.receipt("deploy")
    site.build_with(f"RUN sleep 8 # {site.name}")
    site.commit("2")
    with site.start("deploy", "--host", "prod") as process:
        site.wait_for("sleep 8", process)
        lease = json.loads(site.run("cat", f"{root_of(site)}/lease.json"))
        site.run("su", "deploy", "-c", f"prlimit --pid {lease['pid']} --nproc=1:1")
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 1 and "out of processes or memory" in output and "Traceback" not in output, output
    assert site.answer() == "1"
    site.receipt("deploy")
    assert site.answer() == "2"


def test_too_little_memory_for_two_colours_is_refused_before_anything_is_sent_with_the_figures(site):
    path = site.app / "app.py"
    path.write_text(
        path.read_text().replace("def main():\n", 'def main():\n    global held\n    held = b"x" * (80 << 20)\n')
    )
    site.commit("1")
    first = site.receipt("deploy")["release"]
    site.commit("2")
    site.run("sh", "-c", "sed 's/^MemAvailable:.*/MemAvailable: 51200 kB/' /proc/meminfo > /tmp/meminfo")
    site.run("mount", "--bind", "/tmp/meminfo", "/proc/meminfo")
    try:
        done = site.inv("deploy")
        ill = site.inv("doctor")
    finally:
        site.run("umount", "/proc/meminfo")
    assert done.returncode == 4 and "50 are available" in done.stdout, done.stdout
    (needed,) = [word for word in done.stdout.split("about ")[1].split() if word.isdigit()][:1]
    assert 80 <= int(needed) < 160, done.stdout
    assert ill.returncode == 1 and "50 are available" in ill.stdout, ill.stdout
    assert "sending" not in done.stdout
    assert site.run("ls", f"{root_of(site)}/releases") == first
    site.receipt("deploy")
    assert site.answer() == "2"


def test_a_disk_that_fills_up_during_a_build_stops_the_deploy_and_not_the_rollback(small, under_load):
    site = small
    site.commit("1")
    site.receipt("deploy")
    site.commit("2")
    site.receipt("deploy")
    site.build_with(f"RUN sleep 5 # {site.name}")
    site.commit("3")
    load = under_load()
    with site.start("deploy", "--host", "prod") as process:
        site.wait_for("sleep 5", process)
        fill(site)
        output, _ = process.communicate(timeout=120)
    assert process.returncode == 1 and "is full. Free space" in output, output
    assert "Traceback" not in output and site.answer() == "2"
    refused = site.inv("deploy")
    assert refused.returncode in (1, 4) and "free" in refused.stdout.lower(), refused.stdout
    back = site.inv("rollback")
    assert back.returncode == 0, back.stdout
    assert site.answer() == "1"
    assert load.stop().failed == 0
    site.run("rm", f"/home/deploy/apps/{site.name}/filling")
    site.receipt("deploy", "--force", "--yes")
    assert site.answer() == "3"


CLOCK = """
import time
real = time.time, time.gmtime, time.localtime, time.strftime
time.time = lambda: real[0]() + {seconds}
time.gmtime = lambda seconds=None: real[1](time.time() if seconds is None else seconds)
time.localtime = lambda seconds=None: real[2](time.time() if seconds is None else seconds)
time.strftime = lambda format, when=None: real[3](format, when or time.localtime())
"""


def test_a_clock_that_is_an_hour_off_changes_nothing_but_what_is_shown(site):
    """The operator's clock is ahead of the host's, then behind it, so that the older release has the later name."""
    clock = site.checkout / "clock" / "sitecustomize.py"
    clock.parent.mkdir()
    site.library.insert(0, clock.parent)
    ids = []
    for version, seconds in (("1", 3600), ("2", -3600)):
        clock.write_text(CLOCK.format(seconds=seconds))
        site.commit(version)
        ids.append(site.receipt("deploy")["release"])
    assert ids[0] > ids[1] and site.answer() == "2"
    doctor = site.inv("doctor")
    assert doctor.returncode == 1 and re.search(r"its clock is 360\d s off", doctor.stdout), doctor.stdout
    assert [kept["release"] for kept in site.receipt("status")["hosts"][0]["kept"]] == ids[::-1]
    assert site.receipt("rollback")["release"] == ids[0] and site.answer() == "1"


def test_a_container_that_is_killed_for_lack_of_memory_is_named_so(site):
    site.commit("1")
    site.receipt("deploy")
    site.rewrite(
        "    stop_grace_period: 20s\n", "    stop_grace_period: 20s\n    mem_limit: 40m\n    memswap_limit: 40m\n"
    )
    path = site.app / "app.py"
    path.write_text(path.read_text().replace("def main():\n", 'def main():\n    held = b"x" * (200 << 20)\n'))
    site.commit("2")
    done = site.inv("deploy")
    assert done.returncode == 1 and "lack of memory (OOM)" in done.stdout, done.stdout
    assert site.answer() == "1"


HOLD = """
import resource, socket, sys
_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
held = []
for port in range(20000, 32700):
    held.append(socket.socket())
    try:
        held[-1].bind(("127.0.0.1", port))
        held[-1].listen()
    except OSError:
        pass
print("held", flush=True)
sys.stdin.read()
"""


def test_a_host_without_free_loopback_ports_is_told_so_and_deploys_once_it_has_some(site):
    site.commit("1")
    argv = ["docker", "exec", "-i", site.host.container, "python3", "-c", HOLD]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        done = site.inv("deploy")
        assert done.returncode == 1 and "no loopback port between" in done.stdout, done.stdout
        assert "Traceback" not in done.stdout and "has a bug" not in done.stdout, done.stdout
        holder.communicate()
    site.receipt("deploy")
    assert site.answer() == "1"
