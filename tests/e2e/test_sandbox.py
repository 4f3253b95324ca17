"""Sandbox hosts are machines of their own and leave nothing behind."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from switchyard.control import sandbox
from switchyard.control.sandbox import hosts, record
from tests.harness.site import Site

PYTHON = "python:3.13-slim"
SERVER = ["docker", "run", "--detach", "--publish", "8080:8000", "--restart", "unless-stopped", PYTHON]
SERVER += ["python", "-m", "http.server", "8000", "--directory", "/etc"]
SECONDS = 60.0


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("sandbox")
    yield folder
    sandbox.down(state=folder, images=False)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def pair(state: Path) -> list[sandbox.SandboxHost]:
    return sandbox.up(2, state=state, images=[PYTHON], route_port=8080, app={"name": "shop"})


def ssh(state: Path, host: sandbox.SandboxHost, argv: list[str]) -> str:
    """Run a command as the host's user, with nothing but the sandbox's own key and known hosts."""
    options = [
        "-F",
        "/dev/null",
        "-i",
        host.key,
        "-p",
        str(host.port),
        "-o",
        f"UserKnownHostsFile={state / 'known_hosts'}",
    ]
    options += ["-o", "StrictHostKeyChecking=yes", "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"]
    done = subprocess.run(
        ["ssh", *options, f"{sandbox.USER}@127.0.0.1", *argv],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def get(url: str) -> str:
    """Return the body of ``url`` as soon as something answers there."""
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2.0) as answer:
                return str(answer.read().decode())
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def local(argv: list[str]) -> list[str]:
    return subprocess.run(argv, capture_output=True, text=True, timeout=SECONDS, check=True).stdout.split()


def test_a_host_has_what_a_deployment_needs_and_its_user_is_not_root(
    state: Path, pair: list[sandbox.SandboxHost]
) -> None:
    assert ssh(state, pair[0], ["id", "-un"]) == "deploy"
    assert ssh(state, pair[0], ["id", "-u"]) == "1000"
    assert ssh(state, pair[0], ["docker", "compose", "version", "--short"]).startswith("2.")
    assert ssh(state, pair[0], ["python3", "--version"]).startswith("Python 3.")
    assert ssh(state, pair[0], ["git", "--version"]).startswith("git version 2.")
    assert PYTHON in ssh(state, pair[0], ["docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}"])


def test_two_hosts_differ_in_engine_host_key_and_network(state: Path, pair: list[sandbox.SandboxHost]) -> None:
    for argv in (
        ["docker", "info", "--format", "{{.ID}}"],
        ["cat", "/etc/ssh/ssh_host_ed25519_key.pub"],
        ["ip", "-4", "-brief", "address", "show", "eth0"],
        ["hostname"],
    ):
        first, second = (ssh(state, host, argv) for host in pair)
        assert first and second and first != second
    networks = {
        local(["docker", "inspect", "--format", "{{json .NetworkSettings.Networks}}", h.container])[0] for h in pair
    }
    assert len(networks) == 2
    assert pair[0].port != pair[1].port and pair[0].ip != pair[1].ip


def test_both_publish_one_port_at_once_and_this_machine_sees_none_of_it(
    state: Path, pair: list[sandbox.SandboxHost]
) -> None:
    inside = [ssh(state, host, SERVER) for host in pair]
    assert [get(f"http://{host.ip}:8080/hostname").strip() for host in pair] == [identity[:12] for identity in inside]
    outside = local(["docker", "ps", "--all", "--quiet", "--no-trunc"])
    assert not set(inside) & set(outside)


def test_the_entries_say_how_to_reach_each_host(state: Path, pair: list[sandbox.SandboxHost]) -> None:
    entries = record.read_entries(state)
    assert list(entries) == ["sandbox1", "sandbox2"]
    for host in pair:
        entry = entries[host.name]
        assert entry["machines"][0]["port"] == host.port
        assert entry["url"] == f"http://{host.ip}:8080"
        assert entry["app"] == {"name": "shop"}
        assert Path(host.key).stat().st_mode & 0o777 == 0o600
    assert record.listed(state) == pair


def test_up_again_keeps_running_hosts(state: Path, pair: list[sandbox.SandboxHost]) -> None:
    argv = ["docker", "inspect", "--format", "{{.Id}} {{.State.StartedAt}}", *(host.container for host in pair)]
    before = local(argv)
    assert sandbox.up(2, state=state, images=[PYTHON]) == pair
    assert local(argv) == before


def test_stop_and_start_is_a_reboot_that_keeps_address_port_key_and_containers(
    state: Path, pair: list[sandbox.SandboxHost]
) -> None:
    host = pair[1]
    before = (
        ssh(state, host, ["docker", "info", "--format", "{{.ID}}"]),
        ssh(state, host, ["docker", "ps", "--quiet"]),
    )
    local(["docker", "stop", host.container])
    assert sandbox.up(names=[host.name], state=state, images=[PYTHON]) == [host]
    get(f"http://{host.ip}:8080/hostname")
    after = (ssh(state, host, ["docker", "info", "--format", "{{.ID}}"]), ssh(state, host, ["docker", "ps", "--quiet"]))
    assert before == after


def test_a_power_cut_is_survived(state: Path, pair: list[sandbox.SandboxHost]) -> None:
    host = pair[0]
    local(["docker", "kill", host.container])
    assert sandbox.up(names=[host.name], state=state, images=[PYTHON]) == [host]
    get(f"http://{host.ip}:8080/hostname")


def test_a_small_disk_is_as_small_as_asked_and_no_deploy_begins_on_it(tmp_path: Path) -> None:
    try:
        (host,) = sandbox.up(names=["small"], state=tmp_path, disk="300m", images=[])
        size = local(["docker", "exec", host.container, "df", "--output=size", "--block-size=1M", "/var/lib/docker"])[
            -1
        ]
        assert size == "300"
        site = Site(tmp_path / "site", host, tmp_path)
        site.commit("1")
        for verb, code in (("doctor", 1), ("deploy", 4)):
            done = site.inv(verb)
            assert done.returncode == code and "the disk of /var/lib/docker has" in done.stdout, done.stdout
    finally:
        sandbox.down(state=tmp_path, images=False)


def test_down_leaves_nothing(tmp_path: Path) -> None:
    state = tmp_path / "state"
    (host,) = sandbox.up(state=state, images=[])
    mark = f"label={hosts.LABEL}={hosts.identity(state)}"
    listings = [
        ["docker", "ps", "--all", "--quiet", "--filter", mark],
        ["docker", "volume", "ls", "--quiet", "--filter", mark],
        ["docker", "network", "ls", "--quiet", "--filter", mark],
    ]
    assert all(local(argv) for argv in listings)
    sandbox.down(state=state, images=False)
    assert [local(argv) for argv in listings] == [[], [], []]
    assert list(state.rglob("*")) == []
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", host.port)) != 0
    assert host.container not in " ".join(local(["ps", "-eo", "args"]))


def test_a_host_whose_container_somebody_removed_begins_with_an_empty_disk(tmp_path: Path) -> None:
    state = tmp_path / "state"
    try:
        (host,) = sandbox.up(state=state, images=[])
        local(["docker", "exec", host.container, "docker", "volume", "create", "left"])
        local(["docker", "rm", "--force", host.container])
        (host,) = sandbox.up(state=state, images=[])
        assert local(["docker", "exec", host.container, "docker", "volume", "ls", "--quiet"]) == []
    finally:
        sandbox.down(state=state, images=False)
