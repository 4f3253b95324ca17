"""A deploy killed midway and a deploy that crashes, under load: ours beside ``docker compose up -d --build``.

It also looks for Kamal and docker-rollout, and calls what it did not measure unknown. Exit 1 where a promise of ours
does not hold, 3 where a peer was not measured.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from bench.hosts import sandbox_host
from switchyard.core.errors import FAILED, NOT_CHECKED
from switchyard.core.wire.receipt import StatusReport
from tests.harness.site import Site, clear

RATE = 200.0
"""Requests a second while plugs are pulled."""
QUIET_SECONDS = 10.0
"""How long the load runs on after the fault, while nobody acts."""
BEFORE_SECONDS = 2.0
"""How long the load runs before the deploy."""
NEXT_SECONDS = 180.0
"""The time limit of the next command."""
NOT_DRIVEN = ("kamal", "docker-rollout")
"""Peers that this bench does not drive: they need a registry, or a proxy of their own."""
CAUSE = re.compile(r"\bcode:? 3\b|exited \(3\)")
"""The exit code of the application that crashes, as a screen names it."""
PLUGINS = ("~/.docker", "/usr/local/lib/docker", "/usr/local/libexec/docker", "/usr/lib/docker", "/usr/libexec/docker")


@dataclass(frozen=True)
class Outcome:
    """What became of a deploy whose client was killed. The counts are of the whole load."""

    way: str
    killed: str
    """At which moment."""
    sent: int
    failed: int
    serving: str
    """The version that answers ``QUIET_SECONDS`` after the fault; empty where none does."""
    running: list[str]
    """Names and states of the containers then."""
    locked: str = "nothing"
    """What the next command would find locked then."""
    next_seconds: float = 0.0
    """From the start of the same command again until the new version answers."""

    def lines(self) -> list[str]:
        """Return the outcome for people."""
        return [
            f"{self.way}, its client killed {self.killed}:",
            f"  failed requests           {self.failed} of {self.sent}",
            f"  serving {QUIET_SECONDS:.0f} s later        {self.serving or 'nobody'}",
            f"  containers then           {', '.join(self.running) or 'none'}",
            f"  locked then               {self.locked}",
            f"  the same command again    the new version answers after {self.next_seconds:.1f} s",
        ]


@dataclass(frozen=True)
class Crash:
    """What became of a release whose container crashes again and again."""

    way: str
    sent: int
    failed: int
    named: float | None
    """Seconds from the creation of its container until the screen shows its exit code; None: the screen never does."""
    ended: int
    """The command's exit code."""
    serving: str

    def lines(self) -> list[str]:
        """Return the outcome for people."""
        named = "never" if self.named is None else f"after {self.named:.1f} s"
        return [
            f"{self.way}, a release that crashes as it starts:",
            f"  failed requests           {self.failed} of {self.sent}",
            f"  exit code named           {named}; the command exited with {self.ended}",
            f"  serving {QUIET_SECONDS:.0f} s later        {self.serving or 'nobody'}",
        ]


def main() -> int:
    measured: list[tuple[Outcome, Crash]] = []
    with sandbox_host() as (host, folder):
        for number, way in enumerate((ours, naive)):
            (folder / str(number)).mkdir()
            site = Site(folder / str(number), host, folder / "state")
            measured.append(way(site))
            clear(site)
    outcomes = [outcome for pair in measured for outcome in pair]
    for outcome in outcomes:
        print("\n".join(outcome.lines()), flush=True)
    missing = unmeasured()
    print("\n".join(missing))
    print(json.dumps({"v": 1, "measured": [asdict(outcome) for outcome in outcomes], "unmeasured": missing}))
    killed, crash = measured[0]
    if killed.failed or killed.serving != "1" or crash.failed or crash.serving != "2":
        print("does not hold: a deploy that did not get through leaves users with the old release")
        return FAILED
    return NOT_CHECKED if missing else 0


def unmeasured() -> list[str]:
    """Name each peer that is not measured, with the reason."""
    folders = [os.environ["PATH"], *(os.path.expanduser(f"{folder}/cli-plugins") for folder in PLUGINS)]
    reasons = {True: "installed, but this program does not drive it", False: "not installed on this machine"}
    installed = {name: shutil.which(name, path=os.pathsep.join(folders)) is not None for name in NOT_DRIVEN}
    return [f"{name}: unknown, not measured: {reasons[is_here]}" for name, is_here in installed.items()]


def ours(site: Site) -> tuple[Outcome, Crash]:
    """Kill ``inv deploy`` while it proves the new colour healthy; then deploy a release that crashes."""
    site.rewrite("    build: .\n", "    build: .\n    restart: unless-stopped\n")
    site.commit("1")
    site.receipt("deploy")
    site.commit("2")

    def strike() -> None:
        with site.start("deploy", "--host", "prod") as process:
            for line in process.stdout or ():
                if "waiting for web" in line:
                    break
            process.kill()

    label = f"label=switchyard.app={site.name}"
    outcome = killed_midway(site, "inv deploy", "while proving", site.url, strike=strike, label=label)
    status = StatusReport.decode(json.loads(site.inv("status", "--json").stdout))  # exits with 7: a colour is half up
    lease = status.hosts[0].lease
    locked = f"the lease of the {lease.doing}: the next takes it over" if lease else "nothing"
    outcome = again(replace(outcome, locked=locked), site.url, "2", lambda: site.receipt("deploy"))
    site.broken("crash")
    site.commit("3")
    return outcome, crashed(site, "inv deploy", site.url, lambda: site.start("deploy", "--host", "prod"))


def naive(site: Site) -> tuple[Outcome, Crash]:
    """Kill Compose as soon as it replaces the container; then deploy a release that crashes."""
    site.rewrite("    build: .\n", "    build: .\n    restart: unless-stopped\n")
    folder, project, port = f"/home/deploy/{site.name}-naive", f"{site.name}-naive", site.port + 1000
    url, label = f"http://{site.host.ip}:{port}", f"label=com.docker.compose.project={project}"
    up = ("docker", "compose", "-p", project, "--project-directory", folder, "up", "-d", "--build")
    site.commit("1")
    site.copy_to(folder, port)
    site.run(*up, "--wait")
    site.run("sh", "-c", f"echo 2 > {folder}/VERSION")

    def is_untouched() -> bool:
        containers = states(site, label)
        return len(containers) == 1 and containers[0].endswith("running")

    def strike() -> None:
        argv = ["docker", "exec", site.host.container, "sh", "-c", f"echo $$ > {folder}.pid; exec {' '.join(up)}"]
        with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            while process.poll() is None and is_untouched():
                time.sleep(0.02)
            site.run("sh", "-c", f"kill -9 $(cat {folder}.pid) || true")

    def start() -> subprocess.Popen[str]:
        argv = ("docker", "exec", "--env", "BREAK=crash", site.host.container, *up)
        return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    way = "docker compose up -d --build"
    outcome = killed_midway(site, way, "while replacing", url, strike=strike, label=label)
    try:
        outcome = again(outcome, url, "2", lambda: site.run(*up, "--wait"))
        return outcome, crashed(site, way, url, start)
    finally:
        site.docker("compose", "-p", project, "--project-directory", folder, "down")


def killed_midway(site: Site, way: str, killed: str, url: str, *, strike: Callable[[], None], label: str) -> Outcome:
    """Run ``strike``, which begins a deploy and kills its client, under load; wait; and look."""
    load = site.load(url, rate=RATE).start()
    time.sleep(BEFORE_SECONDS)
    strike()
    time.sleep(QUIET_SECONDS)
    summary = load.stop()
    return Outcome(way, killed, summary.sent, summary.failed, answer(url), states(site, label))


def again(outcome: Outcome, url: str, version: str, deploy: Callable[[], object]) -> Outcome:
    """Run the same deploy once more, and measure until its version answers."""
    began = time.monotonic()
    deploy()
    while answer(url) != version:
        if time.monotonic() - began > NEXT_SECONDS:
            raise SystemExit(f"{outcome.way}: {version} does not answer within {NEXT_SECONDS:.0f} s")
        time.sleep(0.1)
    return replace(outcome, next_seconds=time.monotonic() - began)


def crashed(site: Site, way: str, url: str, start: Callable[[], subprocess.Popen[str]]) -> Crash:
    """Deploy a release that crashes, under load; follow the command to its end; wait; and look."""
    load, named = site.load(url, rate=RATE).start(), None
    time.sleep(BEFORE_SECONDS)
    with start() as process:
        for line in process.stdout or ():
            if named is None and CAUSE.search(line):
                named = time.time()
    newest = site.docker("ps", "--last", "1", "--quiet", "--filter", "label=com.docker.compose.service=web")
    created, _, fraction = site.docker("inspect", "--format", "{{.Created}}", newest).rstrip("Z").partition(".")
    began = datetime.fromisoformat(f"{created}+00:00").timestamp() + float(f"0.{fraction or 0}")
    time.sleep(QUIET_SECONDS)
    summary = load.stop()
    seconds = named - began if named else None
    return Crash(way, summary.sent, summary.failed, seconds, process.returncode, answer(url))


def answer(url: str) -> str:
    """Return the version that answers; empty where none does."""
    try:
        with urllib.request.urlopen(url, timeout=5) as page:
            return str(page.read().decode().strip())
    except OSError:
        return ""


def states(site: Site, label: str) -> list[str]:
    """Return names and states of the containers with a label."""
    return site.docker("ps", "--all", "--format", "{{.Names}} {{.State}}", "--filter", label).splitlines()


if __name__ == "__main__":
    sys.exit(main())
