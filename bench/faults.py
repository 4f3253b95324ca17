"""Strikes a deploy at every step of its plan, under load, and looks from outside at what became of it.

The steps come from the plan. A round ships a new commit, waits for the intent of its step in the host's journal and a
random share of its usual time, and strikes; then one verb is typed once. What must hold is looked at by our own
requests, ``docker`` on the host, the worker's heartbeats, the database and sshd's log. A round fails where a request
failed that nothing of the host's own made fail, where a release answered that nobody proved, where two workers were at
work at once, where a game or a job was lost or doubled, where the shared services are not the ones from before, where
the lease is still held, where a secret stands outside the files of the env, or where that one verb did not bring its
release live.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from switchyard.control import sandbox
from switchyard.core.lease import LASTS
from tests.harness.betting import Betting
from tests.harness.load import Summary
from tests.harness.relay import Relay
from tests.harness.site import LOAD_SECONDS, MAY_HOLD_SECRETS, Site

ROOT = Path(__file__).resolve().parent.parent
UP_WITHIN = 60.0
"""Seconds in which an engine, a proxy or a host that was struck must be back by itself."""
RATED_WITHIN = 60.0
"""Seconds in which the worker must have rated what was answered."""
GRACE = 5
"""The worker's grace period in seconds."""
ASLEEP = GRACE + 30.0
"""Seconds after which one worker must run although nobody is there: its grace period and 30."""
FOR_GOOD = 60.0
"""Seconds in which a deploy whose connection does not come back must have given up."""
APART = 1.0
"""Seconds between two heartbeats of a container from which on it stopped in between; it beats ten times as often."""
EXECUTIONS = 3
"""Remote executions of the verb typed afterwards: its look, itself, and one to take over from a dead attempt."""
BEATS = """import signal, socket, time
signal.signal(signal.SIGTERM, lambda *_: exit(0))
while True:
    with open("/beats/beats", "a") as file:
        file.write(f"{socket.gethostname()} {time.time()}\\n")
    time.sleep(0.1)
"""
WORKER = f"""    restart: unless-stopped
  worker:
    build: .
    user: "0"
    restart: unless-stopped
    command: {json.dumps(["python3", "-c", BEATS])}
    stop_grace_period: {GRACE}s
    volumes: ["./beats:/beats"]
    healthcheck:
      test: ["CMD", "true"]
      interval: 1s
"""
SESSIONS = "grep -c 'Starting session: command' /var/log/sshd.log || true"


class Problem(Exception):
    """Something that an actor saw and that must not be."""


class Small(Site):
    """The smallest example, with a worker beside it that writes down when it is at work."""

    secret = "canary-" + "93b1c4"

    def set_up(self) -> None:
        compose = self.app / "compose.yaml"
        self.rewrite("      BREAK:", "      SECRET: ${SECRET:?}\n      BREAK:")
        compose.write_text(compose.read_text() + WORKER)
        check = {"web": {"port": 8000, "path": "/health"}}
        self.settings(kinds={"worker": "handover"}, healthy_within=20, checks=check, data={"./beats": "data"})
        (self.checkout / "prod.env").write_text(f"BREAK=none\nSECRET={self.secret}\n")

    def clear(self) -> None:
        """Before a round."""
        self.run("sh", "-c", f": > /home/deploy/apps/{self.name}/data/beats/beats")

    def beats(self) -> list[tuple[str, float]]:
        """Which container was at work when, by the host's clock."""
        lines = self.run("cat", f"/home/deploy/apps/{self.name}/data/beats/beats").splitlines()
        return [(words[0], float(words[1])) for words in map(str.split, lines) if len(words) == 2]

    def lost(self, answered: Iterable[str]) -> list[str]:
        """It keeps nothing."""
        return []


class Games(Betting):
    """The whole example: a database, a queue, a migration, and a worker that rates each game once."""

    within = 600.0
    secret = "not-guessed"

    def clear(self) -> None:
        """Before a round."""
        self.sql("TRUNCATE games, jobs, heartbeats")

    def beats(self) -> list[tuple[str, float]]:
        """Which container was at work when, by the host's clock: its heartbeats, and the games that it rated."""
        work = "SELECT container, at FROM heartbeats UNION ALL SELECT container, ended FROM jobs"
        return [(who, float(at)) for who, at in self.sql(f"SELECT container, extract(epoch FROM at) FROM ({work}) w")]

    def lost(self, answered: Iterable[str]) -> list[str]:
        """Every game that was answered is stored, once, and every stored game is rated by exactly one job."""
        deadline = time.monotonic() + RATED_WITHIN
        while self.sql("SELECT count(*) FROM games WHERE rated IS NULL") != [["0"]] and time.monotonic() < deadline:
            time.sleep(0.2)
        games = [name for (name,) in self.sql("SELECT id FROM games")]
        jobs = [name for (name,) in self.sql("SELECT game FROM jobs")]
        said = {
            "games that were answered are not stored": len(set(answered) - set(games)),
            "games are stored twice": len(games) - len(set(games)),
            "games have no job": len(set(games) - set(jobs)),
            "jobs are there twice": len(jobs) - len(set(jobs)),
        }
        return [f"{count} {what}" for what, count in said.items() if count]


@dataclass
class Round:
    """One deploy that is struck."""

    site: Small | Games
    relay: Relay
    process: subprocess.Popen[str]
    before: str
    """The release that served before."""
    said: str | None = None
    """What the struck process printed, where an actor has read it."""


@dataclass(frozen=True)
class Moment:
    """When it was struck, in seconds after the step's intent, and how long the step usually takes."""

    after: float
    usual: float
    within: bool
    """Whether the step had not ended."""

    def __str__(self) -> str:
        return f"{self.after:.2f} of {self.usual:.2f} s" + (" " if self.within else "+")


@dataclass(frozen=True)
class Row:
    """What became of one round."""

    step: str
    actor: str
    moment: Moment
    code: int
    """The exit code of the deploy that was struck."""
    next_code: int
    next_seconds: float
    executions: int
    """Remote executions of the verb that was typed afterwards."""
    sent: int
    failed: int
    gap: float
    """The longest time without a worker, in seconds."""
    problems: tuple[str, ...]


def strike_operator(struck: Round) -> None:
    """SIGKILL of the operator's process group."""
    os.killpg(struck.process.pid, signal.SIGKILL)


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


def strike_line_for_good(struck: Round) -> None:
    """The SSH connection cut, and no new one for as long as the deploy tries."""
    struck.relay.refuses = True
    struck.relay.cut()
    try:
        struck.process.wait(FOR_GOOD)
    except subprocess.TimeoutExpired:
        raise Problem(f"still trying {FOR_GOOD:.0f} s after the connection was cut") from None
    finally:
        struck.relay.refuses = False


def strike_sleep(struck: Round) -> None:
    """The laptop falls asleep: frozen, its connection dead, nobody types. One worker runs after grace and 30 s."""
    os.killpg(struck.process.pid, signal.SIGSTOP)
    struck.relay.refuses = True
    struck.relay.cut()
    time.sleep(ASLEEP)
    running = workers(struck.site)
    struck.relay.refuses = False
    os.killpg(struck.process.pid, signal.SIGCONT)
    if len(running) != 1:
        raise Problem(f"{len(running)} workers {ASLEEP:.0f} s after the laptop fell asleep")


def strike_freeze(struck: Round) -> None:
    """SIGSTOP of the operator until another deploy is through; after SIGCONT it changes nothing, and says so."""
    os.killpg(struck.process.pid, signal.SIGSTOP)
    deadline = time.monotonic() + LASTS
    while (done := struck.site.inv("deploy")).returncode == 75 and time.monotonic() < deadline:
        time.sleep(1)
    if done.returncode != 0:
        os.killpg(struck.process.pid, signal.SIGKILL)
        raise Problem(f"the deploy beside the frozen one ended with {done.returncode}: {done.stdout[-400:]}")
    before = standing(struck.site)
    os.killpg(struck.process.pid, signal.SIGCONT)
    struck.said, _ = struck.process.communicate(timeout=120)
    if standing(struck.site) != before:
        raise Problem(f"the frozen deploy went on and changed what stands: {struck.said[-400:]}")
    if ": cancelled:" in struck.said:
        raise Problem(f"the frozen deploy did not say that another has taken over: {struck.said[-400:]}")
    if "live is" not in struck.said:
        raise Problem(f"the frozen deploy did not say how its attempt ended: {struck.said[-400:]}")


def strike_engine(struck: Round) -> None:
    """SIGKILL of the engine, which its service manager starts again."""
    wait_until(lambda: answers_again(struck.site), "the engine is not back")


def strike_reboot(struck: Round) -> None:
    """The host's power cut: everything in memory is gone."""
    subprocess.run(["docker", "kill", struck.site.host.container], check=True, capture_output=True)
    sandbox.up(names=[struck.site.host.name], state=struck.site.state, say=lambda _: None)
    wait_until(lambda: answers_again(struck.site), "the host is not back")


def strike_on_host(struck: Round) -> None:
    """Done by ``strike.py`` already."""


@dataclass(frozen=True)
class Actor:
    """What strikes. ``drops``: requests fail while what it hit is away, which is counted and is no problem."""

    strike: Callable[[Round], None]
    drops: bool = False


ACTORS = {
    "operator": Actor(strike_operator),
    "program": Actor(strike_on_host),
    "line": Actor(strike_line),
    "line-30s": Actor(strike_line_30),
    "line-dead": Actor(strike_line_for_good),
    "sleep": Actor(strike_sleep),
    "freeze": Actor(strike_freeze),
    "engine": Actor(strike_engine, drops=True),
    "reboot": Actor(strike_reboot, drops=True),
    "proxy": Actor(strike_on_host, drops=True),
    "map": Actor(strike_on_host),
}


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
        actors = options.actors.split(",") if options.actors else list(ACTORS)
        rows = []
        for step, actor in pairs(wanted, actors, options.rounds, options.seed):
            rows.append(show(round_of(site, relay, step, actor, chance, options.next)))
    return report(wanted, rows)


def pairs(steps: list[str], actors: list[str], rounds: int, seed: int) -> Iterator[tuple[str, str]]:
    """The whole matrix so often; or each step once, with the actors in turn, beginning where the seed says."""
    if not rounds:
        yield from ((step, actors[(index + seed) % len(actors)]) for index, step in enumerate(steps))
    for _ in range(rounds):
        yield from itertools.product(steps, actors)


def make_site(folder: Path, host: sandbox.SandboxHost, example: str) -> tuple[Small | Games, Relay]:
    """An application with a worker, two releases of it live and standing by, behind a relay."""
    site = (Games if example == "betting" else Small)(folder / "site", host, folder / "state")
    relay = Relay(host.port)
    site.reach_through(relay.port)
    for version in ("1", "2"):
        site.commit(version)
        site.receipt("deploy")
    return site, relay


def plan(site: Site) -> list[str]:
    """The names of the steps of the next deploy that a host takes part in."""
    site.commit("planned")
    found = json.loads(site.inv("plan", "--json").stdout)["hosts"][0]["steps"]
    return [step.split()[0] for step in found if step != "predeploy"]


def round_of(site: Small | Games, relay: Relay, step: str, actor: str, chance: random.Random, verb: str) -> Row:
    """One deploy struck at one step, and the verb that is typed after it."""
    version = f"{step}-{actor}-{chance.randrange(10**6)}"
    commit = site.commit(version)
    site.clear()
    shared, usual = shared_services(site, ACTORS[actor].drops), usual_seconds(site, step)
    moment = chance.uniform(0, usual)
    with site.load() as load, armed(site, step, moment, actor) as killer:
        struck = Round(site, relay, start(site), serving(site)[0])
        problems: list[str] = []
        told = json.loads(killer.stdout.readline() or "null")
        if told is None:
            problems.append(f"{step} never began")
        else:
            problems += strike(ACTORS[actor], struck)
        problems += finish(struck)
        executed = executions(site)
        done, seconds = typed(site, verb)
        executed = executions(site) - executed
        summary = load.stop()
    if done.returncode != 0:
        problems.append(f"{verb} typed once ended with {done.returncode}: {done.stdout.strip()[-2500:]}")
    if executed > EXECUTIONS:
        problems.append(f"{executed} remote executions of that {verb}")
    went_live = [release for release in summary.releases if release.endswith(commit[:7])]
    left = next(iter(went_live), struck.before) if verb == "rollback" else None
    problems += judge(site, version, commit, left)
    problems += leaks(site, struck.said or "", done.stdout)
    problems += judge_load(site, summary, ACTORS[actor].drops)
    if shared_services(site, ACTORS[actor].drops) != shared:
        problems.append(f"the shared services were {shared} and are {shared_services(site, ACTORS[actor].drops)}")
    beats = site.beats()
    problems += overlaps(beats)
    if problems:
        problems.append(f"the struck deploy said: {(struck.said or '')[-1500:]}")
    if verb == "rollback":
        settle(site)
    when = Moment(told["struck"] - told["began"], usual, not has_ended(site, step, told)) if told else None
    row = (done.returncode, seconds, executed, summary.sent, summary.failed, longest_gap(beats))
    return Row(step, actor, when or Moment(0, usual, False), struck.process.returncode, *row, tuple(problems))


@contextlib.contextmanager
def armed(site: Site, step: str, moment: float, actor: str) -> Iterator[subprocess.Popen[str]]:
    """``strike.py`` on the host, ready before the deploy begins."""
    argv = ["docker", "exec", "--interactive", site.host.container, "python3", "-c"]
    argv += [(ROOT / "bench" / "strike.py").read_text(), site.name, step, str(moment), actor]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise SystemExit(f"strike.py did not begin: {process.wait()}")
        yield process


def strike(actor: Actor, struck: Round) -> list[str]:
    """What an actor saw that must not be."""
    try:
        with contextlib.suppress(ProcessLookupError):
            actor.strike(struck)
    except Problem as problem:
        return [str(problem)]
    return []


def finish(struck: Round) -> list[str]:
    """The struck process runs to its end; one that has none is a problem."""
    problems = []
    if struck.said is None:
        try:
            struck.said, _ = struck.process.communicate(timeout=150)
        except subprocess.TimeoutExpired:
            os.killpg(struck.process.pid, signal.SIGKILL)
            struck.said, _ = struck.process.communicate()
            problems.append("the struck deploy did not end within 150 s")
    if "Traceback" in struck.said:
        problems.append(f"a traceback: {struck.said[struck.said.index('Traceback') :][:2500]}")
    return problems


def typed(site: Site, verb: str) -> tuple[subprocess.CompletedProcess[str], float]:
    began = time.monotonic()
    try:
        done = site.inv(verb)
    except subprocess.TimeoutExpired as error:
        done = subprocess.CompletedProcess(verb, -1, f"no end within {error.timeout:.0f} s")
    return done, time.monotonic() - began


def judge(site: Site, version: str, commit: str, left: str | None) -> list[str]:
    """What must be live after a round, and what must run; ``left`` is the release that a rollback had to leave."""
    release, page = serving(site)
    problems = []
    if left is None and not (release.endswith(commit[:7]) and version in page):
        problems.append(f"live is {release} ({page}), not {commit[:7]} ({version})")
    if left is not None and release == left:
        problems.append(f"a rollback ended where it began, at {left}")
    if workers(site) != [release]:
        problems.append(f"the workers at the end are those of {workers(site)}, and live is {release}")
    lease = json.loads(on_host(site, "lease.json"))
    if lease["attempt"] is not None:
        problems.append(f"the lease is still held: {lease}")
    return problems


def leaks(site: Small | Games, *said: str) -> list[str]:
    """Where the secret of the env stands and must not: on a screen, or in a file that is not the env's own."""
    root = f"/home/deploy/apps/{site.name}/"
    holding = site.run("sh", "-c", f"grep -rlF -- {site.secret} {root} || true").splitlines()
    names = [name.removeprefix(root) for name in holding]
    problems = [f"a secret stands in {name}" for name in names if not MAY_HOLD_SECRETS.match(name)]
    if not any(MAY_HOLD_SECRETS.match(name) for name in names):
        problems.append("the secret was found nowhere, so that nothing was looked at")
    return problems + ["a secret was printed"] * any(site.secret in text for text in said)


def judge_load(site: Small | Games, summary: Summary, drops: bool) -> list[str]:
    """What the requests saw: no failure, no release that was not proven before it answered, nothing lost."""
    problems = []
    if summary.failed and not drops:
        late = f"sent up to {summary.most_late:.1f} s late"  # where the machine itself had no time
        problems.append(f"{summary.failed} of {summary.sent} requests failed: {dict(summary.errors)}, {late}")
    if summary.seconds >= LOAD_SECONDS:
        problems.append(f"the round took longer than its load of {LOAD_SECONDS:.0f} s")
    proofs: dict[str, float] = {}
    for entry in journal(site):
        if (entry.get("step"), entry.get("what")) == ("prove", "done"):
            proofs.setdefault(entry["release"], entry["wall"])
    for release in summary.releases:
        first = summary.began + min(record.end for record in summary.records if record.release == release)
        if release not in proofs or proofs[release] > first:
            problems.append(f"{release} answered before it was proven")
    return problems + site.lost(summary.ids_answered)


def overlaps(beats: list[tuple[str, float]]) -> list[str]:
    """Where two containers were at work at the same time."""
    stretches: list[list[float | str]] = []
    for who, times in itertools.groupby(sorted(beats), key=lambda beat: beat[0]):
        last = None
        for _, at in times:
            if last is None or at - last > APART:
                stretches.append([at, at, who])
            stretches[-1][1] = last = at
    stretches.sort()
    return [
        f"workers {one[2]} and {other[2]} at once, for {min(one[1], other[1]) - other[0]:.2f} s"
        for one, other in itertools.combinations(stretches, 2)
        if one[2] != other[2] and other[0] < one[1]
    ]


def longest_gap(beats: list[tuple[str, float]]) -> float:
    """The longest time in seconds without a worker."""
    times = sorted(at for _, at in beats)
    return max((later - earlier for earlier, later in itertools.pairwise(times)), default=0.0)


def settle(site: Site) -> None:
    """After a rollback: a new commit goes live, so that the next round begins as the others."""
    site.commit(f"settled {time.time()}")
    site.receipt("deploy")


def serving(site: Site) -> tuple[str, str]:
    """The release that answers users, and what its page says; tried until there is an answer."""
    deadline = time.monotonic() + UP_WITHIN
    while True:
        try:
            with urllib.request.urlopen(site.url, timeout=5) as answer:
                return answer.headers["X-Switchyard-Release"], answer.read().decode().strip()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def workers(site: Site) -> list[str]:
    """The releases whose workers run, one entry a container."""
    return labelled(site, "handover", '{{.Label "switchyard.release"}}')


def standing(site: Site) -> tuple[str, list[str]]:
    """What a deploy would change: who answers, and which containers run since when."""
    running = site.docker("ps", "--quiet").split()
    return serving(site)[0], sorted(
        site.docker("inspect", "--format", "{{.Id}} {{.State.StartedAt}}", *running).split()
    )


def shared_services(site: Site, restarts: bool) -> list[str]:
    """The containers of shared services with their volumes, and when they were started unless they may restart."""
    found = labelled(site, "shared", "{{.ID}}")
    since = "" if restarts else "{{.State.StartedAt}}"
    wanted = "{{.Id}} {{range .Mounts}}{{.Name}} {{end}}" + since
    return sorted(site.docker("inspect", "--format", wanted, *found).splitlines()) if found else []


def labelled(site: Site, kind: str, what: str) -> list[str]:
    labels = ["--filter", f"label=switchyard.app={site.name}", "--filter", f"label=switchyard.kind={kind}"]
    return site.docker("ps", *labels, "--format", what).split()


def executions(site: Site) -> int:
    """Commands that sshd was asked to run so far, as its log says."""
    return int(site.run("sh", "-c", SESSIONS))


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
        [sys.executable, "-m", "invoke", "deploy", "--host", "prod", *site.overrides],
        cwd=site.checkout,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def on_host(site: Site, name: str) -> str:
    return site.run("cat", f"/home/deploy/apps/{site.name}/{name}")


def journal(site: Site) -> list[dict]:
    """The entries; a line that a kill tore is none."""
    entries = []
    for line in on_host(site, "journal.jsonl").splitlines():
        with contextlib.suppress(ValueError):
            entries.append(json.loads(line))
    return entries


def usual_seconds(site: Site, step: str) -> float:
    """How long a step took the last time, as the journal tells; half a second for the one that has no line there."""
    done = [entry["seconds"] for entry in journal(site) if (entry.get("step"), entry.get("what")) == (step, "done")]
    return done[-1] if done else 0.5


def has_ended(site: Site, step: str, told: dict) -> bool:
    """Whether the step had ended when it was struck; the one without a line of its own ends where the next begins."""
    for entry in journal(site):
        over = entry["what"] in ("done", "failed") if entry.get("step") == step else step == "receive"
        if over and told["began"] < entry["wall"] <= told["struck"]:
            return True
    return False


HEAD = (
    f"{'step':<16} {'actor':<9} {'moment, of usual':<15} {'struck':>6} {'next':>4} {'in':>7} {'ssh':>3} "
    f"{'failed':>6} of {'sent':>6} {'no worker':>9}"
)


def show(row: Row) -> Row:
    print(line(row), flush=True)
    return row


def line(row: Row) -> str:
    end = "ok" if not row.problems else "; ".join(row.problems)
    return (
        f"{row.step:<16} {row.actor:<9} {row.moment!s:<15} {row.code:>6} {row.next_code:>4} {row.next_seconds:>5.1f} s "
        f"{row.executions:>3} {row.failed:>6} of {row.sent:>6} {row.gap:>7.1f} s  {end}"
    )


def report(steps: list[str], rows: list[Row]) -> int:
    """All rounds in a table, and the sum; a step without a row fails as well."""
    print(f"\n{HEAD}")
    for row in rows:
        print(line(row))
    bad = [row for row in rows if row.problems]
    missing = sorted(set(steps) - {row.step for row in rows})
    print(
        f"struck: the exit code of the struck deploy; +: the step had ended. {len(rows)} rounds, {len(bad)} with "
        f"problems, {len(set(steps))} steps; the longest time without a worker "
        f"{max((row.gap for row in rows), default=0.0):.1f} s" + f", no row: {missing}" * bool(missing)
    )
    return 1 if bad or missing or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
