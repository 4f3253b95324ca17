#!/usr/bin/env python3
"""Kills a deploy at every step of its plan, under load, and looks from outside at what became of it.

The steps come from the plan. A round ships a new commit, waits for the intent of its step in the host's journal and
strikes; then ``inv deploy`` is typed once. A round fails where a request failed, where a release answered that nobody
proved, where the worker ran twice at once, or where that one deploy did not bring the new commit live.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from switchyard import sandbox  # noqa: E402
from tests.e2e.conftest import Site  # noqa: E402
from tests.load import Load  # noqa: E402
from tests.relay import Relay  # noqa: E402

STRIKE_WITHIN = 60.0
"""Seconds in which a step must begin."""
WORKER = """
  worker:
    build: .
    command: ["python3", "-c", "import signal, time; signal.signal(15, lambda *_: exit(0)); time.sleep(1e6)"]
    stop_grace_period: 5s
    healthcheck:
      test: ["CMD", "true"]
      interval: 1s
"""
WATCH = (
    "while :; do docker ps --quiet --filter label=switchyard.kind=handover --filter label=switchyard.app={app} "
    "| wc -l; sleep 0.1; done"
)
KILL = """
import json, os, pathlib
held = json.loads(pathlib.Path("/home/deploy/apps/{app}/lease.json").read_text())
session = os.getsid(held["pid"])
for entry in pathlib.Path("/proc").glob("[0-9]*"):
    try:
        if os.getsid(int(entry.name)) == session:
            os.kill(int(entry.name), 9)
    except ProcessLookupError:
        pass
"""


@dataclass(frozen=True)
class Row:
    """One round."""

    step: str
    actor: str
    struck: float
    """Seconds after the step's intent."""
    code: int
    """The exit code of the deploy that was struck."""
    next_code: int
    next_seconds: float
    sent: int
    problems: tuple[str, ...]


class Watch:
    """How many workers the engine of the host shows, ten times a second."""

    def __init__(self, site: Site) -> None:
        argv = ["docker", "exec", site.host.container, "sh", "-c", WATCH.format(app=site.name)]
        self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)

    def stop(self) -> int:
        """The most at once."""
        self.process.kill()
        said, _ = self.process.communicate()
        return max((int(line) for line in said.splitlines() if line.strip()), default=0)


def strike_operator(site: Site, process: subprocess.Popen[str], relay: Relay) -> None:
    """SIGKILL of the operator's process group."""
    os.killpg(process.pid, signal.SIGKILL)


def strike_program(site: Site, process: subprocess.Popen[str], relay: Relay) -> None:
    """SIGKILL of the host program with its children."""
    argv = ["docker", "exec", site.host.container, "python3", "-c", KILL.format(app=site.name)]
    subprocess.run(argv, check=True, capture_output=True)


def strike_line(site: Site, process: subprocess.Popen[str], relay: Relay) -> None:
    """The SSH connection cut once; a new one can be made."""
    relay.cut()


ACTORS = {"operator": strike_operator, "program": strike_program, "line": strike_line}


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=1, help="how often the whole matrix is run")
    arguments.add_argument("--seed", type=int, default=random.randrange(10**6), help="printed, to run the same again")
    arguments.add_argument("--once", action="store_true", help="each step once, the actor rotating")
    arguments.add_argument("--only", default="", help="steps, separated by commas")
    options = arguments.parse_args()
    print(f"seed {options.seed}", flush=True)
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="switchyard-faults-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        (host,) = sandbox.up(1, state=folder / "state")
        stack.callback(sandbox.down, state=folder / "state", images=False)
        site, relay = make_site(folder, host)
        steps = plan(site)
        wanted = [step for step in steps if not options.only or step.split()[0] in options.only.split(",")]
        rows = []
        for _ in range(options.rounds):
            for index, step in enumerate(wanted):
                actors = list(ACTORS)
                chosen = [actors[(index + options.seed) % len(actors)]] if options.once else actors
                rows += [show(round_of(site, relay, step, actor, chance)) for actor in chosen]
    return report(wanted, rows)


def make_site(folder: Path, host: sandbox.SandboxHost) -> tuple[Site, Relay]:
    """The smallest example with a worker, two releases of it live and standing by, behind a relay."""
    site = Site(folder / "site", host, folder / "state")
    compose = site.app / "compose.yaml"
    compose.write_text(compose.read_text() + WORKER)
    site.settings(kinds={"worker": "handover"}, healthy_within=20)
    relay = Relay(host.port)
    site.reach_through(relay.port)
    for version in ("1", "2"):
        site.commit(version)
        site.receipt("deploy")
    return site, relay


def plan(site: Site) -> list[str]:
    """The names of the steps of the next deploy, but the one that the operator's side does."""
    site.commit("planned")
    found = json.loads(site.inv("plan", "--json").stdout)["hosts"][0]["steps"]
    return [step.split()[0] for step in found if step != "receive"]


def round_of(site: Site, relay: Relay, step: str, actor: str, chance: random.Random) -> Row:
    """One deploy struck at one step, and the one that is typed after it."""
    version = f"{step}-{actor}-{chance.randrange(10**6)}"
    commit = site.commit(version)
    before = live(site)
    load: Load = site.load()
    load.start()
    watch = Watch(site)
    seen = len(journal(site))
    process = start(site)
    struck = wait_for(site, step, seen, process) + chance.uniform(0, 0.4)
    time.sleep(max(0.0, struck - time.monotonic()))
    moment = chance.uniform(0, 0.4)
    with contextlib.suppress(subprocess.CalledProcessError, ProcessLookupError):
        ACTORS[actor](site, process, relay)
    try:
        process.communicate(timeout=150)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    began = time.monotonic()
    try:
        done = site.inv("deploy")
    except subprocess.TimeoutExpired as error:
        done = subprocess.CompletedProcess("deploy", -1, f"no end within {error.timeout:.0f} s")
    seconds = time.monotonic() - began
    after = live(site)
    most, summary = watch.stop(), load.stop()
    problems = []
    if done.returncode != 0:
        problems.append(f"the next deploy ended with {done.returncode}: {done.stdout.strip()[-600:]}")
    if after["commit"] != commit:
        problems.append(f"live is {after['commit'][:7]}, not {commit[:7]}")
    if summary.failed:
        problems.append(f"{summary.failed} of {summary.sent} requests failed: {dict(summary.errors)}")
    proven = {before["release"], after["release"], *known_good(site)}
    if not set(summary.releases) <= proven:
        problems.append(f"answers from {sorted(set(summary.releases) - proven)}")
    if most > 1:
        problems.append(f"{most} workers at once")
    workers = site.docker("ps", "--quiet", "--filter", "label=switchyard.kind=handover").split()
    if len(workers) != 1:
        problems.append(f"{len(workers)} workers at the end")
    return Row(step, actor, moment, process.returncode, done.returncode, seconds, summary.sent, tuple(problems))


def start(site: Site) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "invoke", "deploy", "--host", "prod"],
        cwd=site.checkout,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def journal(site: Site) -> list[str]:
    argv = ["docker", "exec", site.host.container, "cat", f"/home/deploy/apps/{site.name}/journal.jsonl"]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.splitlines()


def wait_for(site: Site, step: str, seen: int, process: subprocess.Popen[str]) -> float:
    """When the intent of a step stood in the journal."""
    deadline = time.monotonic() + STRIKE_WITHIN
    while time.monotonic() < deadline:
        for line in journal(site)[seen:]:
            entry = json.loads(line)
            if entry.get("step") == step and entry.get("what") == "intent":
                return time.monotonic()
        if process.poll() is not None:
            raise SystemExit(f"{step} never began: {process.communicate()[0]}")
        time.sleep(0.02)
    raise SystemExit(f"{step} did not begin within {STRIKE_WITHIN:.0f} s")


def status(site: Site) -> dict:
    return json.loads(site.inv("status", "--json").stdout)["hosts"][0]


def live(site: Site) -> dict:
    return status(site)["live"]


def known_good(site: Site) -> set[str]:
    return {kept["release"] for kept in status(site)["kept"] if kept["state"] in ("good", "unverified", "live", "bad")}


def show(row: Row) -> Row:
    end = "ok" if not row.problems else "; ".join(row.problems)
    print(
        f"{row.step:<17} {row.actor:<9} +{row.struck:.2f} s  struck {row.code:>4}  next {row.next_code} in "
        f"{row.next_seconds:5.1f} s  {row.sent:>6} requests  {end}",
        flush=True,
    )
    return row


def report(steps: list[str], rows: list[Row]) -> int:
    """The sum; a step without a row fails as well."""
    bad = [row for row in rows if row.problems]
    missing = sorted(set(steps) - {row.step for row in rows})
    print(
        f"{len(rows)} rounds, {len(bad)} with problems, {len(set(steps))} steps"
        + (f", no row: {missing}" * bool(missing))
    )
    return 1 if bad or missing or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
