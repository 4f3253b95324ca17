"""One test's application: its repository, the checkout that deploys it, and its sandbox host seen from outside."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from switchyard.control import sandbox
from switchyard.core import journal
from switchyard.core.wire.message import Json
from tests.harness import formats, library
from tests.harness.library import TOP
from tests.harness.load import Load

S = TypeVar("S", bound="Site")
PORTS = iter(range(18300, 18700))
SECONDS = 120.0
"""The time limit of a verb and of a command."""
LOAD_SECONDS = 300.0
"""A load that nobody stops ends after this time."""
BEGAN = 1_700_000_000
"""The time of the first commit, in seconds since the epoch."""
MAY_HOLD_SECRETS = re.compile(
    r"^(releases/[^/]+/(env|(values|secrets|compose|blue|green|build|shared)\.json|files/token\.txt)"
    r"|shared/(compose|wanted)\.json)$"
)
"""The files in an application's folder on a host that may hold a value of the env."""


class Typed(subprocess.Popen[str]):
    """A verb that somebody typed. A test that fails beside it does not wait for its end: it may stand still."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error is not None:
            self.kill()
        super().__exit__(kind, error, at)


class Site:
    """An application on a sandbox host."""

    example = "web"
    """The folder of ``examples/`` that the application starts from."""
    overrides: tuple[str, ...] = ()
    """Flags for every deploy of this application."""
    within = SECONDS
    """The time limit of a verb in seconds."""

    def __init__(self, folder: Path, host: sandbox.SandboxHost, state: Path) -> None:
        self.host, self.state, self.port = host, state, next(PORTS)
        self.name = f"site{self.port}"
        self.clock = BEGAN
        self.app, self.checkout = folder / "app", folder / "checkout"
        self.library = [library.tree()]
        """Where the operator's Python looks for packages first: the tree whose verbs run."""
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
        """Write the settings and the env of the first release."""
        self.settings()
        self.broken("none")

    # The application's repository.

    def rewrite(self, old: str, new: str, name: str = "compose.yaml") -> None:
        """Replace a text in a file of the application. The file must contain it."""
        path = self.app / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def build_with(self, line: str) -> None:
        """Add a line to the Dockerfile of the next release."""
        self.rewrite("USER nobody", f"{line}\nUSER nobody", "Dockerfile")

    def settings(self, **more: Json) -> None:
        """Write the application's own settings, without checks unless ``more`` has some."""
        (self.app / "invoke.yaml").write_text(json.dumps({"app": {"name": self.name, "healthy_within": 5, **more}}))

    def broken(self, how: str) -> None:
        """Say how the next release breaks: a value of ``BREAK`` in ``examples/web``, or ``none``."""
        (self.checkout / "prod.env").write_text(f"BREAK={how}\n")

    def git(self, *words: str, at: int = BEGAN) -> str:
        """Run git in the repository and return what it prints. ``at``: the commit's date in seconds since the epoch."""
        dates = {f"GIT_{role}_DATE": f"{at} +0000" for role in ("AUTHOR", "COMMITTER")}
        argv = ["git", "-c", "user.name=Test", "-c", "user.email=test@example.invalid", "-C", str(self.app), *words]
        done = subprocess.run(
            argv, check=True, capture_output=True, text=True, timeout=SECONDS, env={**os.environ, **dates}
        )
        return done.stdout.strip()

    def commit(self, version: str, *, at: int | None = None) -> str:
        """Commit a release and return its id. ``at``: seconds since the epoch, else a second after the last commit."""
        self.clock = at if at is not None else self.clock + 1
        (self.app / "VERSION").write_text(version)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", f"release {version}", at=self.clock)
        return self.git("rev-parse", "HEAD")

    # The checkout's settings.

    def point_at(self, repository: Path) -> None:
        """Have the checkout deploy this repository."""
        entry = {"machines": [self.machine("prod1", self.host)], "url": self.url, "env": {"files": ["prod.env"]}}
        settings = {"app": {"name": self.name, "path": str(repository)}, "hosts": {"prod": entry}}
        (self.checkout / "invoke.yaml").write_text(json.dumps(settings))

    @contextlib.contextmanager
    def entry(self) -> Iterator[dict[str, Any]]:
        """Yield the host's entry of the checkout's settings, and write back what the caller changes in it."""
        path = self.checkout / "invoke.yaml"
        settings = json.loads(path.read_text())
        yield settings["hosts"]["prod"]
        path.write_text(json.dumps(settings))

    def users_ask(self, url: str) -> None:
        """Have the settings name another public address."""
        with self.entry() as entry:
            entry["url"] = url

    def machine(self, name: str, host: sandbox.SandboxHost) -> dict[str, str | int]:
        """Return a sandbox host as a machine of the settings."""
        return {"name": name, "address": "127.0.0.1", "port": host.port, "user": "deploy", "key": host.key}

    def join(self, name: str, host: sandbox.SandboxHost, state: Path) -> None:
        """Add a machine to the host."""
        with self.entry() as entry:
            entry["machines"].append(self.machine(name, host))
        known = self.checkout / ".switchyard" / "known_hosts"
        known.write_text(known.read_text() + (state / "known_hosts").read_text())

    def add_host(self, name: str, host: sandbox.SandboxHost, state: Path) -> None:
        """Add a host of its own to the settings, with one machine."""
        path = self.checkout / "invoke.yaml"
        settings = json.loads(path.read_text())
        url = f"http://{host.ip}:{self.port}"
        entry = {"machines": [self.machine(f"{name}1", host)], "url": url, "env": {"files": ["prod.env"]}}
        settings["hosts"][name] = entry
        path.write_text(json.dumps(settings))
        known = self.checkout / ".switchyard" / "known_hosts"
        known.write_text(known.read_text() + (state / "known_hosts").read_text())

    def reach_through(self, port: int) -> None:
        """Have the checkout reach the host's sshd through another port of this machine."""
        with self.entry() as entry:
            (first, *_) = entry["machines"]
            direct, first["port"] = first["port"], port
        known = self.checkout / ".switchyard" / "known_hosts"
        known.write_text(known.read_text() + known.read_text().replace(f":{direct} ", f":{port} "))

    # The operator.

    def start(self, *words: str, new_session: bool = False) -> Typed:
        """Start ``inv`` with these words; the caller reads its output. Both streams go to ``stdout``."""
        more = self.overrides if words[:1] == ("deploy",) else ()
        return Typed(
            [sys.executable, "-m", "invoke", *words, *more],
            cwd=self.checkout,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, self.library))},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=new_session,
            # A process that a shell starts in the background ignores Ctrl-C, and its children inherit that.
            preexec_fn=functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        )

    def inv(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a verb to its end. Both streams are in ``stdout``; what ``--json`` prints is of its format."""
        with self.start(*words, "--host", "prod") as process:
            try:
                output, _ = process.communicate(timeout=self.within)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        if "--json" in words:
            formats.require_printed(words, process.returncode, output)
        return subprocess.CompletedProcess(words, process.returncode, output)

    def listing(self) -> str:
        """Return what ``inv --list`` prints."""
        with self.start("--list") as process:
            return process.communicate(timeout=SECONDS)[0]

    def receipt(self, *words: str) -> Any:
        """Run a verb with ``--json``, which must exit 0, and return the object that it prints."""
        done = self.inv(*words, "--json")
        assert done.returncode == 0, done.stdout
        return json.loads(done.stdout)

    def turned_away(self, verb: str) -> subprocess.CompletedProcess[str]:
        """Run a verb that finds the lease held. It must end within the time of two looks at the host and a second.

        The second is for whatever else this machine does at that moment.
        """
        began = time.monotonic()
        done = self.inv(verb)
        seconds = time.monotonic() - began
        assert self.inv("status").returncode == 0
        look = time.monotonic() - began - seconds
        assert seconds < 2 * look + 1, f"{seconds:.1f} s, and a look takes {look:.1f} s:\n{done.stdout}"
        return done

    def deploy_struck(
        self, words: str, strike: Callable[[subprocess.Popen[str]], object]
    ) -> subprocess.CompletedProcess[str]:
        """Run a deploy to its end, and call ``strike`` as soon as it prints these words."""
        output = ""
        with self.start("deploy", "--host", "prod") as process:
            assert process.stdout is not None
            for line in process.stdout:
                output += line
                if words in line:
                    strike(process)
        return subprocess.CompletedProcess(process.args, process.returncode, output)

    def until(self, holds: Callable[[], bool], process: subprocess.Popen[str]) -> None:
        """Wait until ``holds``. Fail where the operator's process ends first."""
        deadline = time.monotonic() + SECONDS
        while not holds():
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < deadline, f"it does not hold after {SECONDS:.0f} s"

    def wait_for(self, words: str, process: subprocess.Popen[str]) -> None:
        """Wait until a command with these words runs on the host."""
        self.until(lambda: words in self.run("ps", "-ef"), process)

    def wait_for_migrate(self, process: subprocess.Popen[str]) -> None:
        """Wait until the oneshot ``migrate`` runs."""
        running = ("ps", "--filter", f"label=switchyard.app={self.name}", "--format", "{{.Names}}")
        self.until(lambda: "-migrate-" in self.docker(*running), process)

    # The host.

    @property
    def root(self) -> str:
        """The application's folder on the host."""
        return f"/home/deploy/apps/{self.name}"

    def run(self, *words: str, text: str = "") -> str:
        """Run a command as root on the host and return what it prints. ``text``: its standard input."""
        argv = ["docker", "exec", "--interactive", self.host.container, *words]
        done = subprocess.run(argv, check=True, capture_output=True, input=text, text=True, timeout=SECONDS)
        return done.stdout.strip()

    def docker(self, *words: str) -> str:
        return self.run("docker", *words)

    def read(self, name: str) -> str:
        """Return a file of the application's folder on the host."""
        return self.run("cat", f"{self.root}/{name}")

    def containers(self, colour: str) -> dict[str, str]:
        """Return the state of each container of a colour by its id."""
        project = f"label=com.docker.compose.project={self.name}-{colour}"
        lines = self.docker("ps", "--all", "--no-trunc", "--format", "{{.ID}} {{.State}}", "--filter", project)
        return dict(line.split(" ", 1) for line in lines.splitlines())

    def workers(self) -> list[str]:
        """Return the release of each running handover container."""
        labels = ["--filter", f"label=switchyard.app={self.name}", "--filter", "label=switchyard.kind=handover"]
        return self.docker("ps", *labels, "--format", '{{.Label "switchyard.release"}}').split()

    def journal(self) -> list[tuple[str, str]]:
        """Return each step of the host's journal and its outcome, without what says that an end was shown."""
        entries, _ = journal.read(self.read("journal.jsonl").splitlines())
        return [(entry.step, entry.what) for entry in entries if not isinstance(entry, journal.ShownEntry)]

    def copy_to(self, folder: str, port: int | None = None) -> None:
        """Copy the application's files to the host, as for a deploy by hand. ``port``: publish it there instead."""
        self.run("rm", "-rf", folder)
        subprocess.run(["docker", "cp", "--quiet", str(self.app), f"{self.host.container}:{folder}"], check=True)
        if port is not None:
            self.run("sed", "-i", f"s/{self.port}:8000/{port}:8000/", f"{folder}/compose.yaml")

    # The users.

    @property
    def url(self) -> str:
        return f"http://{self.host.ip}:{self.port}"

    def answer(self) -> str:
        """Return the page that users get: the version."""
        with urllib.request.urlopen(self.url, timeout=5) as answer:
            return str(answer.read().decode().strip())

    def load(
        self, url: str | None = None, *, rate: float = 100, name: str = "", tls: ssl.SSLContext | None = None
    ) -> Load:
        """Return a load that runs until it is stopped: ``rate`` requests a second, for a ``name`` if it is set."""
        return Load(
            url or self.url,
            rate=rate,
            seconds=LOAD_SECONDS,
            get=self.page,
            post=self.posted,
            name=name,
            tls=tls,
        )

    def page(self, number: int) -> str:
        """Return the path that a load reads as its n-th request."""
        return "/"

    def posted(self, name: str) -> tuple[str, bytes]:
        """Return the path and the body that a load posts with an id."""
        return "/echo", name.encode()


@contextlib.contextmanager
def in_formats(site: S) -> Iterator[S]:
    """Yield a site. At the end, require that its files on the host are of their formats, and clear it."""
    yield site
    try:
        require_formats(site)
    finally:
        clear(site)


def require_formats(site: Site) -> None:
    """Require that every file of Switchyard's on the host is of its format."""

    def listed(pattern: str) -> list[str]:
        return site.run("sh", "-c", f"ls {site.root}/{pattern} 2>/dev/null || true").split()

    for name in listed("releases/*/release.json"):
        formats.require("release", json.loads(site.run("cat", name)))
    for name in listed("releases/*/checks.json"):
        formats.require("checks", json.loads(site.run("cat", name)))
    for name in ("adopted", "lease"):
        for path in listed(f"{name}.json"):
            formats.require(name, json.loads(site.run("cat", path)))
    for name in listed("journal.jsonl"):
        entries, problems = journal.read(site.run("cat", name).splitlines())
        for entry in entries:
            formats.require("journal", entry.encode())
        assert not [problem for problem in problems if "is no entry" in problem], problems


def clear(site: Site) -> None:
    """Remove an application from its host, so that the next one finds memory and address ranges."""
    for part in ("edge", "blue", "green", "shared"):
        if containers := site.containers(part):
            site.docker("rm", "--force", *containers)
    label = f"label=switchyard.app={site.name}"
    if networks := site.docker("network", "ls", "--quiet", "--filter", label).split():
        site.docker("network", "rm", *networks)
