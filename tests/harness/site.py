"""The application of one test: its repository, the checkout that deploys it, and its sandbox host seen from outside."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from switchyard.control import sandbox
from switchyard.core import journal
from tests.harness import formats
from tests.harness.load import Load

TOP = Path(__file__).resolve().parents[2]
PORTS = iter(range(18300, 18700))
SECONDS = 120.0
LOAD_SECONDS = 300.0
"""After which a load that nobody stops ends by itself."""
BEGAN = 1_700_000_000
"""When the first commit is made, in seconds since the epoch."""
MAY_HOLD_SECRETS = re.compile(
    r"^(releases/[^/]+/(env|(values|compose|blue|green|build|shared)\.json|files/token\.txt)|shared/(compose|wanted)\.json)$"
)
"""The files below an application's folder on a host that may hold a value of the env."""


class Site:
    """An application's repository, the checkout that deploys it, and the host as seen from outside."""

    example = "web"
    overrides: tuple[str, ...] = ()
    """Words that every deploy of this application gets."""
    within = SECONDS
    """Seconds in which a verb must end."""

    def __init__(self, folder: Path, host: sandbox.SandboxHost, state: Path) -> None:
        self.host, self.state, self.port = host, state, next(PORTS)
        self.name = f"site{self.port}"
        self.clock = BEGAN
        self.app, self.checkout = folder / "app", folder / "checkout"
        self.library = [TOP]
        """Where the operator's Python looks first."""
        shutil.copytree(TOP / "examples" / self.example, self.app)
        self.rewrite('"8000:8000"', f'"{self.port}:8000"')
        self.git("init", "--quiet")
        (self.checkout / ".switchyard").mkdir(parents=True)
        shutil.copy(state / "known_hosts", self.checkout / ".switchyard" / "known_hosts")
        (self.checkout / "prod.env").touch(mode=0o600)
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

    def rewrite(self, old: str, new: str, name: str = "compose.yaml") -> None:
        """Change a file of the application, which must contain what is changed."""
        path = self.app / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def build_with(self, line: str) -> None:
        """Have the build of the next release do this too."""
        self.rewrite("USER nobody", f"{line}\nUSER nobody", "Dockerfile")

    def until(self, holds: Callable[[], bool], process: subprocess.Popen[str]) -> None:
        """Waits for something that the operator's process must outlive."""
        deadline = time.monotonic() + SECONDS
        while not holds():
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < deadline, "it does not come to that"

    def wait_for(self, words: str, process: subprocess.Popen[str]) -> None:
        """Until a command with these words runs on the host."""
        self.until(lambda: words in self.run("ps", "-ef"), process)

    def wait_for_migrate(self, process: subprocess.Popen[str]) -> None:
        """Until the oneshot of that name runs."""
        self.until(lambda: f"{self.name}-migrate-" in self.docker("ps", "--format", "{{.Names}}"), process)

    def deploy_struck(
        self, words: str, strike: Callable[[subprocess.Popen[str]], object]
    ) -> subprocess.CompletedProcess[str]:
        """A deploy run to its end, and what is done to it as soon as it says these words."""
        said = ""
        with self.start("deploy", "--host", "prod") as process:
            assert process.stdout is not None
            for line in process.stdout:
                said += line
                if words in line:
                    strike(process)
        return subprocess.CompletedProcess(process.args, process.returncode, said)

    def settings(self, **more: Any) -> None:
        """The application's own settings; without checks unless given."""
        (self.app / "invoke.yaml").write_text(json.dumps({"app": {"name": self.name, "healthy_within": 5, **more}}))

    def point_at(self, repository: Path) -> None:
        """Have the checkout deploy this repository."""
        entry = {"machines": [self.machine("prod1", self.host)], "url": self.url, "env": {"files": ["prod.env"]}}
        whole = {"app": {"name": self.name, "path": str(repository)}, "hosts": {"prod": entry}}
        (self.checkout / "invoke.yaml").write_text(json.dumps(whole))

    @contextlib.contextmanager
    def entry(self) -> Iterator[dict[str, Any]]:
        """The host's entry of the checkout's settings, to be changed."""
        path = self.checkout / "invoke.yaml"
        whole = json.loads(path.read_text())
        yield whole["hosts"]["prod"]
        path.write_text(json.dumps(whole))

    def users_ask(self, url: str) -> None:
        """Have the settings name another address as the users'."""
        with self.entry() as entry:
            entry["url"] = url

    def machine(self, name: str, host: sandbox.SandboxHost) -> dict[str, Any]:
        """A host as an entry of the settings."""
        return {"name": name, "address": "127.0.0.1", "port": host.port, "user": "deploy", "key": host.key}

    def join(self, name: str, host: sandbox.SandboxHost, state: Path) -> None:
        """Another machine of the host."""
        with self.entry() as entry:
            entry["machines"].append(self.machine(name, host))
        known = self.checkout / ".switchyard" / "known_hosts"
        known.write_text(known.read_text() + (state / "known_hosts").read_text())

    def reach_through(self, port: int) -> None:
        """Have the checkout reach the host's sshd through another port of this machine."""
        with self.entry() as entry:
            (first, *_) = entry["machines"]
            was, first["port"] = first["port"], port
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
        more = self.overrides if words[:1] == ("deploy",) else ()
        return subprocess.Popen(
            [sys.executable, "-m", "invoke", *words, *more],
            cwd=self.checkout,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, self.library))},
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
                said, _ = process.communicate(timeout=self.within)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        if "--json" in words:
            formats.require_printed(words, process.returncode, said)
        return subprocess.CompletedProcess(words, process.returncode, said)

    def turned_away(self, verb: str) -> subprocess.CompletedProcess[str]:
        """A verb that finds the lease held: it must take no longer than two looks at the host, and a second.

        The second is for what else runs on this machine in just that moment.
        """
        began = time.monotonic()
        done = self.inv(verb)
        took = time.monotonic() - began
        assert self.inv("status").returncode == 0
        look = time.monotonic() - began - took
        assert took < 2 * look + 1, f"{took:.1f} s, and a look takes {look:.1f} s:\n{done.stdout}"
        return done

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

    def journal(self) -> list[tuple[str, str]]:
        """Each step and what became of it, as the host wrote it down."""
        lines = self.run("cat", f"/home/deploy/apps/{self.name}/journal.jsonl").splitlines()
        return [(entry["step"], entry["what"]) for entry in journal.read(lines)[0]]

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
            url or self.url,
            rate=200,
            seconds=LOAD_SECONDS,
            get=lambda number: "/",
            post=lambda name: ("/echo", name.encode()),
        )


def require_formats(made: Site) -> None:
    """That what Switchyard wrote down on the host is of its formats, whatever became of it."""
    root = Path("/home/deploy/apps") / made.name
    for name in made.run("sh", "-c", f"ls {root}/releases/*/release.json 2>/dev/null || true").split():
        formats.require("release", json.loads(made.run("cat", name)))
    for name in made.run("sh", "-c", f"ls {root}/releases/*/checks.json 2>/dev/null || true").split():
        formats.require("checks", json.loads(made.run("cat", name)))
    for name in made.run("sh", "-c", f"ls {root}/*.json* 2>/dev/null || true").split():
        if name.endswith("lease.json"):
            formats.require("lease", json.loads(made.run("cat", name)))
        if name.endswith("journal.jsonl"):
            for entry in journal.read(made.run("cat", name).splitlines())[0]:
                formats.require("journal", entry)


def clear(made: Site) -> None:
    """Remove an application from its host, so that the next one finds memory and address ranges."""
    for part in ("edge", "blue", "green", "shared"):
        if found := made.containers(part):
            made.docker("rm", "--force", *found)
    label = f"label=switchyard.app={made.name}"
    if networks := made.docker("network", "ls", "--quiet", "--filter", label).split():
        made.docker("network", "rm", *networks)
