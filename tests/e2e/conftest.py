"""One sandbox host for all, and for each test an application of its own on it."""

from __future__ import annotations

import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from switchyard import sandbox
from tests.load import Load

TOP = Path(__file__).resolve().parents[2]
PORTS = iter(range(18300, 18400))
SECONDS = 120.0
BEGAN = 1_700_000_000
"""When the first commit is made, in seconds since the epoch."""


@pytest.fixture(scope="session")
def sandbox_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[sandbox.SandboxHost, Path]]:
    state = tmp_path_factory.mktemp("sandbox")
    try:
        (host,) = sandbox.up(1, state=state)
        yield host, state
    finally:
        sandbox.down(state=state, images=False)


@pytest.fixture(scope="session")
def second_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[sandbox.SandboxHost, Path]]:
    state = tmp_path_factory.mktemp("second")
    try:
        (host,) = sandbox.up(1, state=state)
        yield host, state
    finally:
        sandbox.down(state=state, images=False)


class Site:
    """An application's repository, the checkout that deploys it, and the host as seen from outside."""

    example = "web"

    def __init__(self, folder: Path, host: sandbox.SandboxHost, state: Path) -> None:
        self.host, self.state, self.port = host, state, next(PORTS)
        self.name = f"site{self.port}"
        self.clock = BEGAN
        self.app, self.checkout = folder / "app", folder / "checkout"
        shutil.copytree(TOP / "examples" / self.example, self.app)
        self.rewrite('"8000:8000"', f'"{self.port}:8000"')
        self.git("init", "--quiet")
        (self.checkout / ".switchyard").mkdir(parents=True)
        shutil.copy(state / "known_hosts", self.checkout / ".switchyard" / "known_hosts")
        (self.checkout / "tasks.py").write_text("from switchyard.tasks import here\nns = here(__file__)\n")
        self.set_up()
        self.point_at(self.app)

    def set_up(self) -> None:
        """The settings and the env of the first release."""
        self.settings()
        self.broken("none")

    @property
    def url(self) -> str:
        return f"http://{self.host.ip}:{self.port}"

    def rewrite(self, old: str, new: str) -> None:
        """Change compose.yaml, which must contain what is changed."""
        path = self.app / "compose.yaml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def settings(self, **more: Any) -> None:
        """The application's own settings; without checks unless given."""
        (self.app / "invoke.yaml").write_text(json.dumps({"app": {"name": self.name, "healthy_within": 5, **more}}))

    def point_at(self, repository: Path) -> None:
        """Have the checkout deploy this repository."""
        entry = {"machines": [self.machine("prod1", self.host)], "url": self.url, "env": {"files": ["prod.env"]}}
        whole = {"app": {"name": self.name, "path": str(repository)}, "hosts": {"prod": entry}}
        (self.checkout / "invoke.yaml").write_text(json.dumps(whole))

    def machine(self, name: str, host: sandbox.SandboxHost) -> dict[str, Any]:
        """A host as an entry of the settings."""
        return {"name": name, "address": "127.0.0.1", "port": host.port, "user": "deploy", "key": host.key}

    def reach_through(self, port: int) -> None:
        """Have the checkout reach the host's sshd through another port of this machine."""
        path = self.checkout / "invoke.yaml"
        whole = json.loads(path.read_text())
        was = whole["hosts"]["prod"]["machines"][0]["port"]
        whole["hosts"]["prod"]["machines"][0]["port"] = port
        path.write_text(json.dumps(whole))
        known = self.checkout / ".switchyard" / "known_hosts"
        known.write_text(known.read_text() + known.read_text().replace(f":{was} ", f":{port} "))

    def broken(self, how: str) -> None:
        """How the next release breaks; ``none`` if not at all."""
        (self.checkout / "prod.env").write_text(f"BREAK={how}\n")

    def git(self, *words: str, at: int = BEGAN) -> str:
        dates = {f"GIT_{role}_DATE": f"{at} +0000" for role in ("AUTHOR", "COMMITTER")}
        argv = ["git", "-c", "user.name=Test", "-c", "user.email=test@example.invalid", "-C", str(self.app), *words]
        done = subprocess.run(
            argv, check=True, capture_output=True, text=True, timeout=SECONDS, env={**os.environ, **dates}
        )
        return done.stdout.strip()

    def commit(self, version: str, *, at: int | None = None) -> str:
        """Commit a release, ``at`` seconds since the epoch; by default each a second after the one before."""
        self.clock = at if at is not None else self.clock + 1
        (self.app / "VERSION").write_text(version)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", f"release {version}", at=self.clock)
        return self.git("rev-parse", "HEAD")

    def start(self, *words: str) -> subprocess.Popen[str]:
        """An operator's process, its output to be read."""
        return subprocess.Popen(
            [sys.executable, "-m", "invoke", *words],
            cwd=self.checkout,
            env={**os.environ, "PYTHONPATH": str(TOP)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # A shell has what it runs in the background ignore Ctrl-C, and that is inherited.
            preexec_fn=functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        )

    def inv(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A verb run to its end; both streams are in ``stdout``."""
        with self.start(*words, "--host", "prod") as process:
            try:
                said, _ = process.communicate(timeout=SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return subprocess.CompletedProcess(words, process.returncode, said)

    def list(self) -> str:
        """What ``inv --list`` prints."""
        with self.start("--list") as process:
            return process.communicate(timeout=SECONDS)[0]

    def receipt(self, *words: str) -> Any:
        """The one JSON object of a verb that must succeed."""
        done = self.inv(*words, "--json")
        assert done.returncode == 0, done.stdout
        return json.loads(done.stdout)

    def docker(self, *words: str) -> str:
        return self.run("docker", *words)

    def run(self, *words: str) -> str:
        """What a command prints as root on the host."""
        argv = ["docker", "exec", self.host.container, *words]
        return subprocess.run(argv, check=True, capture_output=True, text=True, timeout=SECONDS).stdout.strip()

    def containers(self, colour: str) -> dict[str, str]:
        """The ids of a colour's containers and their states."""
        project = f"label=com.docker.compose.project={self.name}-{colour}"
        lines = self.docker("ps", "--all", "--no-trunc", "--format", "{{.ID}} {{.State}}", "--filter", project)
        return dict(line.split() for line in lines.splitlines())  # type: ignore[misc]

    def answer(self) -> str:
        with urllib.request.urlopen(self.url, timeout=5) as answer:
            return str(answer.read().decode().strip())

    def copy_to(self, folder: str, port: int | None = None) -> None:
        """The application's files on the host, as for somebody who deploys by hand, published on another port."""
        self.run("rm", "-rf", folder)
        subprocess.run(["docker", "cp", "--quiet", str(self.app), f"{self.host.container}:{folder}"], check=True)
        if port is not None:
            self.run("sed", "-i", f"s/{self.port}:8000/{port}:8000/", f"{folder}/compose.yaml")

    def load(self, url: str | None = None) -> Load:
        """200 requests a second until stopped."""
        return Load(
            url or self.url, rate=200, seconds=150, get=lambda number: "/", post=lambda name: ("/echo", name.encode())
        )


def clear(made: Site) -> None:
    """Remove an application from its host, so that the next one finds memory and address ranges."""
    for part in ("edge", "blue", "green", "shared"):
        if found := made.containers(part):
            made.docker("rm", "--force", *found)
    label = f"label=switchyard.app={made.name}"
    if networks := made.docker("network", "ls", "--quiet", "--filter", label).split():
        made.docker("network", "rm", *networks)


@pytest.fixture
def site(tmp_path: Path, sandbox_host: tuple[sandbox.SandboxHost, Path]) -> Iterator[Site]:
    made = Site(tmp_path, *sandbox_host)
    yield made
    clear(made)


@pytest.fixture
def under_load(site: Site) -> Iterator[Callable[[], Load]]:
    """Begins a load that ends with the test, whatever becomes of it."""
    begun: list[Load] = []

    def begin() -> Load:
        begun.append(site.load())
        begun[-1].start()
        return begun[-1]

    yield begin
    for load in begun:
        load.stop()
