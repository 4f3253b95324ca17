"""Releases on a real host with its own sshd and engine, seen from outside."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from switchyard import sandbox
from tests.load import Load

TOP = Path(__file__).resolve().parents[2]
PORTS = iter(range(18100, 18200))
RELEASE = "X-Switchyard-Release"


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[sandbox.SandboxHost, Path]]:
    state = tmp_path_factory.mktemp("sandbox")
    (host,) = sandbox.up(1, state=state)
    yield host, state
    sandbox.down(state=state, images=False)


class Application:
    """A repository of its own, the smallest example in it, and a checkout that drives it."""

    def __init__(self, folder: Path, host: sandbox.SandboxHost, state: Path, name: str, settings: str = "") -> None:
        self.host, self.port, self.name = host, next(PORTS), name
        self.app, self.checkout = folder / "app", folder / "checkout"
        shutil.copytree(TOP / "examples" / "web", self.app)
        compose = self.app / "compose.yaml"
        compose.write_text(compose.read_text().replace('"8000:8000"', f'"{self.port}:8000"'))
        (self.app / "invoke.yaml").write_text(f"app:\n  name: {name}\n  healthy_within: 6\n{settings}")
        self.git("init", "--quiet")
        (self.checkout / ".switchyard").mkdir(parents=True)
        shutil.copy(state / "known_hosts", self.checkout / ".switchyard" / "known_hosts")
        (self.checkout / "tasks.py").write_text("from switchyard.tasks import here\nns = here(__file__)\n")
        (self.checkout / "prod.env").write_text("BREAK=none\n")
        machine = {"name": "prod1", "address": "127.0.0.1", "port": host.port, "user": "deploy", "key": host.key}
        entry = {"machines": [machine], "url": self.url, "env": {"files": ["prod.env"]}}
        app = {"name": name, "path": str(self.app)}
        (self.checkout / "invoke.yaml").write_text(json.dumps({"app": app, "hosts": {"prod": entry}}))

    @property
    def url(self) -> str:
        return f"http://{self.host.ip}:{self.port}"

    def git(self, *words: str) -> str:
        command = ["git", "-c", "user.name=T", "-c", "user.email=t@localhost", "-C", str(self.app), *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, version: str) -> str:
        (self.app / "VERSION").write_text(version)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", f"release {version}")
        return self.git("rev-parse", "HEAD")

    def broken(self, how: str) -> None:
        (self.checkout / "prod.env").write_text(f"BREAK={how}\n")

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "invoke", *words]

    def environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(TOP)}

    def inv(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*words),
            cwd=self.checkout,
            env=self.environment(),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=180,
        )

    def deploy(self, *words: str) -> dict:
        done = self.inv("deploy", "--host", "prod", "--json", *words)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def answer(self) -> tuple[str, str | None]:
        with urllib.request.urlopen(self.url, timeout=5) as answer:
            return answer.read().decode().strip(), answer.headers[RELEASE]

    def containers(self, colour: str) -> list[str]:
        listing = ["docker", "ps", "--all", "--format", "{{.State}}", "--filter", f"name={self.name}-{colour}-"]
        return subprocess.run(
            ["docker", "exec", self.host.container, *listing], check=True, capture_output=True, text=True
        ).stdout.split()

    def load(self) -> Load:
        return Load(self.url, rate=100, seconds=120, get=lambda number: "/", post=lambda name: ("/echo", name.encode()))


@pytest.fixture
def application(
    tmp_path: Path, machine: tuple[sandbox.SandboxHost, Path], request: pytest.FixtureRequest
) -> Application:
    host, state = machine
    name = "t" + str(abs(hash(request.node.name)) % 10**6)
    return Application(tmp_path, host, state, name, getattr(request, "param", ""))


def test_two_deploys_and_a_rollback_under_load_drop_no_request_and_take_one_execution_each(application):
    application.commit("1")
    application.deploy()
    application.commit("2")
    load = application.load()
    load.start()
    second = application.deploy()
    assert application.answer() == ("2", second["release"])
    back = json.loads(application.inv("rollback", "--host", "prod", "--json").stdout)
    assert application.answer()[0] == "1"
    summary = load.stop()
    assert summary.sent > 200
    assert summary.failed == 0, summary.errors
    assert len(summary.releases) == 2
    for receipt in (second, back):
        assert set(receipt) == {"v", "outcome", "release", "exit", "hosts"}
        (machine,) = receipt["hosts"]
        assert set(machine) == {"name", "before", "steps", "executions", "probes"}
        assert machine["executions"] == 1
        assert machine["probes"]["failed"] == 0 and machine["probes"]["sent"] > 0


def test_the_same_load_against_compose_up_in_place_counts_failures(application):
    application.commit("1")
    host = application.host.container
    subprocess.run(["docker", "cp", str(application.app), f"{host}:/home/deploy/{application.name}"], check=True)
    up = [
        "docker",
        "exec",
        "--workdir",
        f"/home/deploy/{application.name}",
        host,
        "docker",
        "compose",
        "up",
        "-d",
        "--build",
        "--wait",
    ]
    subprocess.run(up, check=True, capture_output=True)
    load = application.load()
    load.start()
    subprocess.run(
        ["docker", "exec", host, "sh", "-c", f"echo 2 > /home/deploy/{application.name}/VERSION"], check=True
    )
    subprocess.run(up, check=True, capture_output=True)
    assert load.stop().failed > 0
    down = [*up[:-4], "down"]
    subprocess.run(down, check=True, capture_output=True)


@pytest.mark.parametrize(
    "how,named", [("health", "HTTP Error 500"), ("pages", "smoke"), ("crash", "exited with code 3")]
)
def test_a_release_that_does_not_work_leaves_the_old_one_serving_and_is_named(application, how, named):
    application.commit("1")
    first = application.deploy()["release"]
    application.broken(how)
    application.commit("2")
    load = application.load()
    load.start()
    began = time.monotonic()
    failed = application.inv("deploy", "--host", "prod")
    took = time.monotonic() - began
    summary = load.stop()
    assert failed.returncode == 1, failed.stdout
    assert named in failed.stdout
    assert took < 30
    assert application.answer() == ("1", first)
    assert summary.failed == 0 and set(summary.releases) == {first}
    assert application.containers("green") == ["exited"]
    assert "running" in application.containers("blue")


def test_what_must_not_go_live_is_refused_and_goes_when_asked_for_by_name(application):
    first = application.commit("1")
    application.deploy()
    again = application.inv("deploy", "--host", "prod")
    assert again.returncode == 0 and "live already" in again.stdout
    application.commit("2")
    application.deploy()
    older = application.inv("deploy", "--host", "prod", "--rev", first)
    assert older.returncode == 4 and "--allow-downgrade" in older.stdout
    assert application.inv("rollback", "--host", "prod").returncode == 0
    bad = application.inv("deploy", "--host", "prod")
    assert bad.returncode == 4 and "--force" in bad.stdout
    unasked = application.inv("deploy", "--host", "prod", "--force")
    assert unasked.returncode == 4 and "--yes" in unasked.stderr
    application.deploy("--force", "--yes")
    assert application.answer()[0] == "2"
    (application.app / "VERSION").write_text("3")
    dirty = application.inv("deploy", "--host", "prod")
    assert dirty.returncode == 4 and "--allow-dirty" in dirty.stderr


def test_a_rollback_with_nothing_to_go_back_to_changes_nothing(application):
    application.commit("1")
    release = application.deploy()["release"]
    done = application.inv("rollback", "--host", "prod")
    assert done.returncode == 4 and "nothing to go back to" in done.stdout
    assert application.answer() == ("1", release)


def test_a_rollback_works_after_a_system_prune_took_the_stopped_colour(application):
    application.commit("1")
    application.deploy()
    application.commit("2")
    application.deploy()
    script = f"docker stop $(docker ps -q --filter name={application.name}-blue-) && docker system prune -f"
    subprocess.run(["docker", "exec", application.host.container, "sh", "-c", script], check=True, capture_output=True)
    done = application.inv("rollback", "--host", "prod")
    assert done.returncode == 0, done.stdout + done.stderr
    assert application.answer()[0] == "1"


def test_a_second_deploy_is_told_at_once_who_holds_the_lease_and_a_killed_one_does_not_hold_it_for_good(application):
    application.commit("1")
    first = application.deploy()["release"]
    application.broken("health")
    application.commit("2")
    operator = subprocess.Popen(
        application.command("deploy", "--host", "prod"),
        cwd=application.checkout,
        env=application.environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert operator.stdout is not None
    assert any("waiting for web" in line for line in operator.stdout)
    held = application.inv("deploy", "--host", "prod")
    assert held.returncode == 75 and "holds the lease" in held.stdout
    operator.kill()
    operator.wait()
    operator.stdout.close()
    application.broken("none")
    deadline = time.monotonic() + 70
    while (done := application.inv("deploy", "--host", "prod")).returncode == 75:
        assert time.monotonic() < deadline, done.stdout
    assert done.returncode == 0, done.stdout
    assert application.answer()[0] == "2" and application.answer()[1] != first


def test_status_says_what_is_live_in_the_documented_keys(application):
    commit = application.commit("1")
    release = application.deploy()["release"]
    status = json.loads(application.inv("status", "--host", "prod", "--json").stdout)
    assert set(status) == {"v", "app", "hosts"}
    (machine,) = status["hosts"]
    assert set(machine) == {"name", "url", "live", "idle", "lease", "kept", "drift"}
    assert machine["live"]["release"] == release and machine["live"]["commit"] == commit
    assert machine["lease"] is None and machine["drift"] == []


@pytest.mark.parametrize("words", [["deploy", "--help"], ["deploy", "prod"], ["deploy", "--hsot", "prod"]])
def test_help_and_mistyped_words_never_touch_a_host(application, words):
    application.commit("1")
    application.inv(*words)
    listed = subprocess.run(
        ["docker", "exec", application.host.container, "ls", "/home/deploy/apps"], capture_output=True, text=True
    )
    assert application.name not in listed.stdout
