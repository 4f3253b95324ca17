#!/usr/bin/env python3
"""Strikes a deploy at every step of its plan, under load, and looks from outside at what became of it.

The steps come from the plan. A round ships a new commit, waits for the intent of its step in the host's journal and a
random share of its usual time, and strikes; then one verb is typed once. A round fails where a request failed that
nothing of the host's own made fail, where a release answered that nobody proved, where the worker ran twice at once,
where the lease is still held, or where that one verb did not bring its release live.
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
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from switchyard import sandbox  # noqa: E402
from switchyard.core.lease import BEAT_WITHIN, LASTS  # noqa: E402
from tests.e2e.conftest import Site  # noqa: E402
from tests.e2e.test_example import Betting  # noqa: E402
from tests.load import Summary  # noqa: E402
from tests.relay import Relay  # noqa: E402

STRIKE_WITHIN = 60.0
"""Seconds in which a step must begin."""
UP_WITHIN = 60.0
"""Seconds in which an engine, a proxy or a host that was struck must be back by itself."""
GRACE = 5
"""The worker's grace period in seconds."""
ASLEEP = GRACE + 30.0
"""Seconds after which one worker must run although nobody is there: its grace period and 30."""
WORKER = f"""    restart: unless-stopped
  worker:
    build: .
    restart: unless-stopped
    command: ["python3", "-c", "import signal, time; signal.signal(15, lambda *_: exit(0)); time.sleep(1e6)"]
    stop_grace_period: {GRACE}s
    healthcheck:
      test: ["CMD", "true"]
      interval: 1s
"""
WATCH = (
    "while :; do n=$(docker ps --quiet --filter label=switchyard.kind=handover --filter label=switchyard.app={app}) "
    '&& echo "$(date +%s.%N) $(echo "$n" | grep -c .)"; sleep 0.1; done'
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
DISAGREE = """
import os, pathlib, socket
home = pathlib.Path("/home/deploy/apps/{app}/edge")
link = socket.socket(socket.AF_UNIX)
link.connect(str(home / "run" / "edge.sock"))
link.sendall(b"show map /etc/edge/maps/live.map\\n")
running = link.makefile().read().split()[-1]
other = dict(blue="green", green="blue")[running]
aside = home / "maps" / ".struck"
aside.write_text("live " + other + "\\n")
os.chmod(aside, 0o644)
os.chown(aside, os.stat(home).st_uid, os.stat(home).st_gid)
os.replace(aside, home / "maps" / "live.map")
"""


@dataclass
class Round:
    """One deploy that is struck."""

    site: Site
    relay: Relay
    process: subprocess.Popen[str]
    said: str = ""
    """What the struck process printed, where an actor has read it."""


@dataclass(frozen=True)
class Row:
    """What became of one round."""

    step: str
    actor: str
    struck: float
    """Seconds after the step's intent."""
    code: int
    """The exit code of the deploy that was struck."""
    next_code: int
    next_seconds: float
    sent: int
    failed: int
    gap: float
    """The longest time without a worker, in seconds."""
    problems: tuple[str, ...]


class Watch:
    """How many workers the engine of the host shows, ten times a second, by the host's clock."""

    def __init__(self, site: Site) -> None:
        argv = ["docker", "exec", site.host.container, "sh", "-c", WATCH.format(app=site.name)]
        self.site, self.argv, self.seen = site, argv, []
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self.argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def rest(self) -> None:
        """Before the host goes down: what was seen so far. The loop on the host does not end with its reader."""
        inside(self.site, "pkill", "-f", f"filter label=switchyard.app={self.site.name}")
        self.process.kill()
        said, _ = self.process.communicate()
        lines = [line.split() for line in said.splitlines() if line.count(" ") == 1]
        self.seen += [(float(at), int(count)) for at, count in lines]

    def stop(self) -> tuple[int, float]:
        """The most at once, and the longest time with none."""
        self.rest()
        gap, last = 0.0, None
        for at, count in self.seen:
            if count:
                gap, last = max(gap, at - last if last else 0.0), at
        return max((count for _, count in self.seen), default=0), gap


def strike_operator(struck: Round) -> None:
    """SIGKILL of the operator's process group."""
    os.killpg(struck.process.pid, signal.SIGKILL)


def strike_program(struck: Round) -> None:
    """SIGKILL of the host program with its children."""
    inside(struck.site, "python3", "-c", KILL.format(app=struck.site.name))


def strike_line(struck: Round) -> None:
    """The SSH connection cut once; a new one can be made."""
    struck.relay.cut()


def strike_line_30(struck: Round) -> None:
    """The SSH connection cut, and no new one for 30 s."""
    struck.relay.refuses = True
    struck.relay.cut()
    with contextlib.suppress(subprocess.TimeoutExpired):
        struck.process.wait(30)
    struck.relay.refuses = False


def strike_sleep(struck: Round) -> None:
    """The laptop falls asleep: frozen, its connection dead, nobody types. One worker runs after grace and 30 s."""
    os.killpg(struck.process.pid, signal.SIGSTOP)
    struck.relay.refuses = True
    struck.relay.cut()
    deadline = time.monotonic() + ASLEEP
    while time.monotonic() < deadline:
        time.sleep(0.2)
    workers = struck.site.docker("ps", "--quiet", "--filter", "label=switchyard.kind=handover").split()
    if len(workers) != 1:
        raise Problem(f"{len(workers)} workers {ASLEEP:.0f} s after the laptop fell asleep")
    struck.relay.refuses = False
    os.killpg(struck.process.pid, signal.SIGCONT)


def strike_freeze(struck: Round) -> None:
    """SIGSTOP of the operator until another deploy is through; after SIGCONT it changes nothing."""
    os.killpg(struck.process.pid, signal.SIGSTOP)
    deadline = time.monotonic() + LASTS + BEAT_WITHIN + 30
    while (done := struck.site.inv("deploy")).returncode == 75 and time.monotonic() < deadline:
        time.sleep(1)
    if done.returncode != 0:
        raise Problem(f"the deploy beside the frozen one ended with {done.returncode}: {done.stdout[-400:]}")
    before = live(struck.site)
    os.killpg(struck.process.pid, signal.SIGCONT)
    struck.said, _ = struck.process.communicate(timeout=120)
    after = live(struck.site)
    if (before["release"], before["since"]) != (after["release"], after["since"]):
        raise Problem(f"the frozen deploy went on and changed what is live: {struck.said[-400:]}")


def strike_engine(struck: Round) -> None:
    """SIGKILL of the engine, which its service manager starts again."""
    inside(struck.site, "pkill", "-9", "dockerd")
    wait_until(lambda: answers_again(struck.site), "the engine is not back")


def strike_reboot(struck: Round) -> None:
    """The host's power cut: everything in memory is gone."""
    subprocess.run(["docker", "kill", struck.site.host.container], check=True, capture_output=True)
    sandbox.up(names=[struck.site.host.name], state=struck.site.state, say=lambda _: None)
    wait_until(lambda: answers_again(struck.site), "the host is not back")


def strike_proxy(struck: Round) -> None:
    """SIGKILL of the edge's container, which the engine starts again."""
    site = struck.site
    edge = f"name={site.name}-edge-edge"
    site.run("sh", "-c", f"kill -9 $(docker inspect --format '{{{{.State.Pid}}}}' $(docker ps -q --filter {edge}))")


def strike_map(struck: Round) -> None:
    """The map file says another colour than the running map."""
    inside(struck.site, "python3", "-c", DISAGREE.format(app=struck.site.name))


class Problem(Exception):
    """Something that an actor saw and that must not be."""


@dataclass(frozen=True)
class Actor:
    """What strikes. ``drops``: requests fail while what it hit is away, which is counted and is no problem."""

    strike: Callable[[Round], None]
    drops: bool = False


ACTORS = {
    "operator": Actor(strike_operator),
    "program": Actor(strike_program),
    "line": Actor(strike_line),
    "line-30s": Actor(strike_line_30),
    "sleep": Actor(strike_sleep),
    "freeze": Actor(strike_freeze),
    "engine": Actor(strike_engine, drops=True),
    "reboot": Actor(strike_reboot, drops=True),
    "proxy": Actor(strike_proxy, drops=True),
    "map": Actor(strike_map),
}
QUICK = ("operator", "program", "line", "proxy", "map")
"""What one run of each step rotates through; the others take half a minute a round."""


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=0, help="the whole matrix so often; by default each step once")
    arguments.add_argument("--seed", type=int, default=random.randrange(10**6), help="printed, to run the same again")
    arguments.add_argument("--only", default="", help="steps, separated by commas")
    arguments.add_argument("--actors", default="", help=f"of {', '.join(ACTORS)}; separated by commas")
    arguments.add_argument("--example", choices=("web", "betting"), default="web", help="what is deployed (web)")
    arguments.add_argument("--next", choices=("deploy", "rollback"), default="deploy", help="the verb typed after it")
    options = arguments.parse_args()
    print(f"seed {options.seed}", flush=True)
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="switchyard-faults-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        (host,) = sandbox.up(1, state=folder / "state")
        stack.callback(sandbox.down, state=folder / "state", images=False)
        site, relay = make_site(folder, host, options.example)
        steps = plan(site)
        wanted = [step for step in steps if not options.only or step in options.only.split(",")]
        actors = options.actors.split(",") if options.actors else list(ACTORS if options.rounds else QUICK)
        rows = []
        for _ in range(max(1, options.rounds)):
            for index, step in enumerate(wanted):
                chosen = actors if options.rounds else [actors[(index + options.seed) % len(actors)]]
                rows += [show(round_of(site, relay, step, actor, chance, options.next)) for actor in chosen]
    return report(wanted, rows)


def make_site(folder: Path, host: sandbox.SandboxHost, example: str) -> tuple[Site, Relay]:
    """An application with a worker, two releases of it live and standing by, behind a relay."""
    site: Site = Betting(folder / "site", host, folder / "state") if example == "betting" else small(folder, host)
    relay = Relay(host.port)
    site.reach_through(relay.port)
    for version in ("1", "2"):
        site.commit(version)
        site.receipt("deploy")
    return site, relay


def small(folder: Path, host: sandbox.SandboxHost) -> Site:
    """The smallest example, with a worker beside it."""
    site = Site(folder / "site", host, folder / "state")
    compose = site.app / "compose.yaml"
    compose.write_text(compose.read_text() + WORKER)
    site.settings(kinds={"worker": "handover"}, healthy_within=20, checks={"web": {"port": 8000, "path": "/health"}})
    return site


def plan(site: Site) -> list[str]:
    """The names of the steps of the next deploy, but the one that the operator's side does."""
    site.commit("planned")
    found = json.loads(site.inv("plan", "--json").stdout)["hosts"][0]["steps"]
    return [step.split()[0] for step in found if step != "receive"]


def round_of(site: Site, relay: Relay, step: str, actor: str, chance: random.Random, verb: str) -> Row:
    """One deploy struck at one step, and the verb that is typed after it."""
    commit = site.commit(f"{step}-{actor}-{chance.randrange(10**6)}")
    before, sound = live(site), known_good(site)
    usual = usual_seconds(site, step)
    load, watch = site.load(), Watch(site)
    load.start()
    seen = len(journal(site))
    struck = Round(site, relay, start(site))
    problems: list[str] = []
    began = wait_for(site, step, seen, struck.process)
    moment = chance.uniform(0, min(usual, 2.0))
    time.sleep(max(0.0, began + moment - time.monotonic()))
    if actor == "reboot":
        watch.rest()
    try:
        with contextlib.suppress(ProcessLookupError):
            ACTORS[actor].strike(struck)
    except Problem as problem:
        problems.append(str(problem))
    finally:
        relay.refuses = False
    if actor == "reboot":
        watch.start()
    finish(struck, problems)
    done, seconds = typed(site, verb)
    if done.returncode != 0:
        problems.append(f"{verb} typed once ended with {done.returncode}: {done.stdout.strip()[-600:]}")
    (most, gap), summary = watch.stop(), load.stop()
    problems += judge(site, before, commit if verb == "deploy" else None, sound, summary, most, ACTORS[actor].drops)
    if verb == "rollback":
        settle(site)
    code = struck.process.returncode
    return Row(step, actor, moment, code, done.returncode, seconds, summary.sent, summary.failed, gap, tuple(problems))


def finish(struck: Round, problems: list[str]) -> None:
    """The struck process runs to its end; one that has none is a problem."""
    try:
        said, _ = struck.process.communicate(timeout=150) if not struck.process.stdout.closed else (struck.said, None)
    except subprocess.TimeoutExpired:
        os.killpg(struck.process.pid, signal.SIGKILL)
        said, _ = struck.process.communicate()
        problems.append("the struck deploy did not end within 150 s")
    if "Traceback" in said:
        problems.append(f"a traceback: {said[-400:]}")


def typed(site: Site, verb: str) -> tuple[subprocess.CompletedProcess[str], float]:
    began = time.monotonic()
    try:
        done = site.inv(verb)
    except subprocess.TimeoutExpired as error:
        done = subprocess.CompletedProcess(verb, -1, f"no end within {error.timeout:.0f} s")
    return done, time.monotonic() - began


def judge(
    site: Site, before: dict, commit: str | None, sound: set[str], summary: Summary, most: int, drops: bool
) -> list[str]:
    """All that must hold after a round, seen from outside."""
    state = status(site)
    after = state["live"]
    problems = []
    if commit is not None and after["commit"] != commit:
        problems.append(f"live is {after['commit'][:7]}, not {commit[:7]}")
    if commit is None and after["release"] not in {*sound, before["release"]}:
        problems.append(f"a rollback ended at {after['release']}, which was never good")
    if summary.failed and not drops:
        problems.append(f"{summary.failed} of {summary.sent} requests failed: {dict(summary.errors)}")
    proven = {before["release"], after["release"], *sound, *known_good(site)}
    if not set(summary.releases) <= proven:
        problems.append(f"answers from {sorted(set(summary.releases) - proven)}")
    if most > 1:
        problems.append(f"{most} workers at once")
    workers = site.docker("ps", "--quiet", "--filter", "label=switchyard.kind=handover").split()
    if len(workers) != 1:
        problems.append(f"{len(workers)} workers at the end")
    if state["lease"] is not None:
        problems.append(f"the lease is still held: {state['lease']}")
    if isinstance(site, Betting):
        problems += stored(site, summary)
    return problems


def stored(site: Betting, summary: Summary) -> list[str]:
    """Of the example: every game that was answered is stored, and each is rated once."""
    found = [name for (name,) in site.sql("SELECT id FROM games")]
    lost = set(summary.ids_answered) - set(found)
    problems = [f"{len(lost)} games that were answered are not stored"] if lost else []
    deadline = time.monotonic() + 30
    while (left := site.sql("SELECT count(*) FROM games WHERE rated IS NULL")[0][0]) != "0":
        if time.monotonic() > deadline:
            problems.append(f"{left} games are not rated")
            break
        time.sleep(0.2)
    return problems


def settle(site: Site) -> None:
    """After a rollback: a new commit goes live, so that the next round begins as the others."""
    site.commit(f"settled {time.time()}")
    site.receipt("deploy")


def inside(site: Site, *words: str) -> None:
    subprocess.run(["docker", "exec", site.host.container, *words], capture_output=True, check=False)


def answers_again(site: Site) -> bool:
    try:
        return bool(site.answer()) and bool(site.docker("ps", "--quiet"))
    except (OSError, subprocess.CalledProcessError):
        return False


def wait_until(ready: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + UP_WITHIN
    while not ready():
        if time.monotonic() > deadline:
            raise Problem(f"{what} after {UP_WITHIN:.0f} s")
        time.sleep(0.1)


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
    return site.run("cat", f"/home/deploy/apps/{site.name}/journal.jsonl").splitlines()


def usual_seconds(site: Site, step: str) -> float:
    """How long a step took the last time, as the journal tells."""
    entries = [json.loads(line) for line in journal(site)]
    taken = [entry["seconds"] for entry in entries if entry.get("step") == step and entry.get("what") == "done"]
    return taken[-1] if taken else 0.5


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
        f"{row.next_seconds:5.1f} s  {row.failed:>4} of {row.sent:>6} failed  no worker {row.gap:4.1f} s  {end}",
        flush=True,
    )
    return row


def report(steps: list[str], rows: list[Row]) -> int:
    """The sum; a step without a row fails as well."""
    bad = [row for row in rows if row.problems]
    missing = sorted(set(steps) - {row.step for row in rows})
    print(
        f"{len(rows)} rounds, {len(bad)} with problems, {len(set(steps))} steps; the longest time without a worker "
        f"{max((row.gap for row in rows), default=0.0):.1f} s" + (f", no row: {missing}" * bool(missing))
    )
    return 1 if bad or missing or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
