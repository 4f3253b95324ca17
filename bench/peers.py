"""A deploy killed midway, and one that crashes, under load: ours beside ``docker compose up -d --build`` of the same.

Kamal and docker-rollout are looked for, and what was not measured is said to be unknown. Exit 1 where a promise of
ours does not hold, 3 where a peer was not measured.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from switchyard.control import sandbox
from switchyard.core.errors import FAILED, NOT_CHECKED
from tests.harness.site import Site, clear

AFTER = 10.0
"""Seconds of load after the fault, with nobody typing anything."""
SETTLED = 180.0
"""Seconds that the next command may take."""
OUTSIDE = ("kamal", "docker-rollout")
"""Peers that this program does not drive: they need a registry, or a proxy of their own."""
CAUSE = re.compile(r"\bcode:? 3\b|exited \(3\)")
"""What names the exit code of the application that is told to crash."""
PLUGINS = ("~/.docker", "/usr/local/lib/docker", "/usr/local/libexec/docker", "/usr/lib/docker", "/usr/libexec/docker")


@dataclass
class Outcome:
    """What became of one way of deploying whose client was killed."""

    way: str
    killed: str
    """At which moment."""
    sent: int
    failed: int
    """Requests from two seconds before the deploy until ``AFTER`` the fault."""
    serving: str
    """The version that answers then; empty where none does."""
    running: list[str]
    """Names and states of the containers then."""
    locked: str
    """What a next command would find held then."""
    next_seconds: float
    """From typing the same once more until the new version answers."""

    def lines(self) -> list[str]:
        """For people."""
        return [
            f"{self.way}, its client killed {self.killed}:",
            f"  failed requests           {self.failed} of {self.sent}",
            f"  who serves {AFTER:.0f} s later     {self.serving or 'nobody'}",
            f"  containers then           {', '.join(self.running) or 'none'}",
            f"  locked then               {self.locked}",
            f"  typed once more           the new version answers after {self.next_seconds:.1f} s",
        ]


@dataclass
class Crash:
    """What became of a release whose container crashes again and again."""

    way: str
    sent: int
    failed: int
    named: float | None
    """Seconds from the making of its container until its exit code stood on the screen; None: it never did."""
    ended: int
    """The command's exit code."""
    serving: str

    def lines(self) -> list[str]:
        """For people."""
        seconds = "never" if self.named is None else f"after {self.named:.1f} s"
        return [
            f"{self.way}, a release that crashes as it starts:",
            f"  failed requests           {self.failed} of {self.sent}",
            f"  exit code named           {seconds}; the command ended with {self.ended}",
            f"  who serves {AFTER:.0f} s later     {self.serving or 'nobody'}",
        ]


def unmeasured() -> list[str]:
    """Each peer that is not measured here, and why."""
    places = [os.environ["PATH"], *(os.path.expanduser(f"{place}/cli-plugins") for place in PLUGINS)]
    reasons = {True: "installed, but this program does not drive it", False: "not installed on this machine"}
    found = {name: shutil.which(name, path=os.pathsep.join(places)) is not None for name in OUTSIDE}
    return [f"{name}: unknown, not measured: {reasons[here]}" for name, here in found.items()]


def answer(url: str) -> str:
    """The version that answers; empty where none does."""
    try:
        with urllib.request.urlopen(url, timeout=5) as page:
            return str(page.read().decode().strip())
    except OSError:
        return ""


def states(site: Site, *filters: str) -> list[str]:
    """Containers with their states."""
    words = [word for one in filters for word in ("--filter", one)]
    return site.docker("ps", "--all", "--format", "{{.Names}} {{.State}}", *words).splitlines()


def struck(site: Site, way: str, killed: str, url: str, *, strike: Callable[[], None], project: str) -> Outcome:
    """Under load: a deploy begun and struck, ten seconds of nothing."""
    load = site.load(url)
    load.start()
    time.sleep(2)
    strike()
    time.sleep(AFTER)
    summary = load.stop()
    return Outcome(way, killed, summary.sent, summary.failed, answer(url), states(site, project), "nothing", 0.0)


def again(outcome: Outcome, url: str, version: str, do: Callable[[], object]) -> Outcome:
    """The same typed once more, until the new version answers."""
    began = time.monotonic()
    do()
    while answer(url) != version:
        if time.monotonic() - began > SETTLED:
            raise SystemExit(f"{outcome.way}: {version} does not answer within {SETTLED:.0f} s")
        time.sleep(0.1)
    outcome.next_seconds = time.monotonic() - began
    return outcome


def crashed(site: Site, way: str, url: str, start: Callable[[], subprocess.Popen[str]]) -> Crash:
    """Under load: a release that crashes, followed to the end of its command, and ten seconds of nothing."""
    load, named = site.load(url), None
    load.start()
    time.sleep(2)
    with start() as process:
        for line in process.stdout or ():
            if named is None and CAUSE.search(line):
                named = time.time()
    newest = site.docker("ps", "--last", "1", "--quiet", "--filter", "label=com.docker.compose.service=web")
    made, _, part = site.docker("inspect", "--format", "{{.Created}}", newest).rstrip("Z").partition(".")
    began = datetime.fromisoformat(f"{made}+00:00").timestamp() + float(f"0.{part or 0}")
    time.sleep(AFTER)
    summary = load.stop()
    seconds = named - began if named else None
    return Crash(way, summary.sent, summary.failed, seconds, process.returncode, answer(url))


def ours(site: Site) -> tuple[Outcome, Crash]:
    """``kill -9`` of ``inv deploy`` while the new colour is being proven; then a release that crashes."""
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

    project = f"label=switchyard.app={site.name}"
    outcome = struck(site, "inv deploy", "while proving", site.url, strike=strike, project=project)
    lease = json.loads(site.inv("status", "--json").stdout)["hosts"][0]["lease"]
    outcome.locked = f"the lease of the {lease['doing']}: the next takes it over" if lease else "nothing"
    again(outcome, site.url, "2", lambda: site.receipt("deploy"))
    site.broken("crash")
    site.commit("3")
    return outcome, crashed(site, "inv deploy", site.url, lambda: site.start("deploy", "--host", "prod"))


def naive(site: Site) -> tuple[Outcome, Crash]:
    """``kill -9`` of Compose as soon as it replaces the container; then a release that crashes."""
    site.rewrite("    build: .\n", "    build: .\n    restart: unless-stopped\n")
    folder, project, port = f"/home/deploy/{site.name}-naive", f"{site.name}-naive", site.port + 1000
    url, mine = f"http://{site.host.ip}:{port}", f"label=com.docker.compose.project={site.name}-naive"
    up = ("docker", "compose", "-p", project, "--project-directory", folder, "up", "-d", "--build")
    site.commit("1")
    site.copy_to(folder, port)
    site.run(*up, "--wait")
    site.run("sh", "-c", f"echo 2 > {folder}/VERSION")

    def strike() -> None:
        argv = ["docker", "exec", site.host.container, "sh", "-c", f"echo $$ > {folder}.pid; exec {' '.join(up)}"]
        with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            while process.poll() is None and len(found := states(site, mine)) == 1 and found[0].endswith("running"):
                time.sleep(0.02)
            site.run("sh", "-c", f"kill -9 $(cat {folder}.pid) || true")

    outcome = struck(site, "docker compose up -d --build", "while replacing", url, strike=strike, project=mine)
    crash = ("docker", "exec", "--env", "BREAK=crash", site.host.container, *up)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    try:
        again(outcome, url, "2", lambda: site.run(*up, "--wait"))
        return outcome, crashed(site, outcome.way, url, lambda: subprocess.Popen(crash, **pipes))
    finally:
        site.docker("compose", "-p", project, "--project-directory", folder, "down")


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="switchyard-peers-") as name:
        folder = Path(name)
        (host,) = sandbox.up(1, state=folder / "state")
        try:
            outcomes: list[Outcome | Crash] = []
            for number, way in enumerate((ours, naive)):
                (folder / str(number)).mkdir()
                site = Site(folder / str(number), host, folder / "state")
                outcomes += way(site)
                clear(site)
        finally:
            sandbox.down(state=folder / "state", images=False)
    for outcome in outcomes:
        print("\n".join(outcome.lines()), flush=True)
    missing = unmeasured()
    print("\n".join(missing))
    print(json.dumps({"v": 1, "measured": [asdict(outcome) for outcome in outcomes], "unmeasured": missing}))
    killed, crash = outcomes[:2]
    if killed.failed or killed.serving != "1" or crash.failed or crash.serving != "2":
        print("not held: a deploy that did not get through changed what users get")
        return FAILED
    return NOT_CHECKED if missing else 0


if __name__ == "__main__":
    sys.exit(main())
