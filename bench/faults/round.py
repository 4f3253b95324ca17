"""One round: a deploy struck at one step, and the verb after it."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from bench.faults import judgement
from bench.faults.actors import ACTORS, Actor, Round
from bench.faults.applications import Application
from bench.faults.observations import Problem, journal, parse, serving, shared_services, usual_seconds
from bench.faults.table import Moment, Row
from bench.hosts import executions
from switchyard.core.wire.message import Foreign, message
from tests.harness.heartbeats import longest_gap, overlaps
from tests.harness.relay import Relay

STRIKE = Path(__file__).with_name("strike.py")
EXECUTIONS_MOST = 4
"""Remote executions of the verb after a strike: its look, the question whether the commit that is live is the same,
itself, and one to take over from a dead attempt."""
END_SECONDS = 150.0
"""The time limit in which a struck deploy must end."""
TAIL = 2500
"""How many characters of an output a problem quotes."""


@message(frozen=True)
class Strike(Foreign):
    """What ``strike.py`` reports. Both are seconds since the epoch."""

    began: float
    """The begin of the step."""
    struck: float


def strike_deploy(site: Application, relay: Relay, step: str, actor: str, chance: random.Random, verb: str) -> Row:
    """Deploy a new commit, let an actor strike at a step, run ``verb``, and judge the outcome."""
    version = f"{step}-{actor}-{chance.randrange(10**6)}"
    commit = site.commit(version)
    site.clear()
    drops = ACTORS[actor].drops
    shared, usual = shared_services(site, may_restart=drops), usual_seconds(site, step)
    with site.load() as load, armed(site, step, chance.uniform(0, usual), actor) as striker:
        struck = Round(site, relay, site.start("deploy", "--host", "prod", new_session=True), serving(site)[0])
        strike = read_strike(striker)
        problems = act(ACTORS[actor], struck) if strike else [f"{step} never began"]
        problems += finish(struck)
        before = executions(site)
        done, seconds = run_verb(site, verb)
        executed = executions(site) - before
        summary = load.stop()
    if done.returncode != 0:
        problems.append(f"{verb} exited with {done.returncode}: {done.stdout.strip()[-TAIL:]}")
    if executed > EXECUTIONS_MOST:
        problems.append(f"{executed} remote executions of that {verb}")
    went_live = [release for release in summary.releases if release.endswith(commit[:7])]
    taken_back = next(iter(went_live), struck.before) if verb == "rollback" else None
    problems += judgement.live_state(site, version, commit, taken_back=taken_back)
    problems += judgement.secrets(site, struck.output or "", done.stdout)
    problems += judgement.requests(site, summary, drops=drops)
    if (after := shared_services(site, may_restart=drops)) != shared:
        problems.append(f"the shared services were {shared} and are {after}")
    heartbeats = site.heartbeats()
    problems += overlaps(heartbeats)
    if problems:
        problems.append(f"the struck deploy printed: {(struck.output or '')[-TAIL:]}")
    if verb == "rollback":
        settle(site)
    return Row(
        step=step,
        actor=actor,
        moment=moment_of(site, step, strike, usual),
        code=struck.process.returncode,
        next_code=done.returncode,
        next_seconds=seconds,
        executions=executed,
        sent=summary.sent,
        failed=summary.failed,
        gap=longest_gap(heartbeats),
        problems=tuple(problems),
    )


@contextlib.contextmanager
def armed(site: Application, step: str, after: float, actor: str) -> Iterator[subprocess.Popen[str]]:
    """Run ``strike.py`` on the host, and yield once it waits for the step."""
    argv = ["docker", "exec", "--interactive", site.host.container, "python3", "-c"]
    argv += [STRIKE.read_text(), site.name, step, str(after), actor]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise SystemExit(f"strike.py did not start: {process.wait()}")
        yield process


def read_strike(striker: subprocess.Popen[str]) -> Strike | None:
    """Return what ``strike.py`` reports. None: the step never began."""
    assert striker.stdout is not None
    line = striker.stdout.readline()
    return Strike.decode(parse(line)) if line else None


def act(actor: Actor, struck: Round) -> list[str]:
    """Let the actor strike, and return the problem that it saw."""
    try:
        with contextlib.suppress(ProcessLookupError):
            actor.strike(struck)
    except Problem as problem:
        return [str(problem)]
    return []


def finish(struck: Round) -> list[str]:
    """Read the struck process to its end. A process without an end is a problem, and so is a traceback."""
    problems = []
    if struck.output is None:
        try:
            struck.output, _ = struck.process.communicate(timeout=END_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(struck.process.pid, signal.SIGKILL)
            struck.output, _ = struck.process.communicate()
            problems.append(f"the struck deploy did not end within {END_SECONDS:.0f} s")
    if "Traceback" in struck.output:
        problems.append(f"a traceback: {struck.output[struck.output.index('Traceback') :][:TAIL]}")
    return problems


def run_verb(site: Application, *words: str) -> tuple[subprocess.CompletedProcess[str], float]:
    """Run a verb once, and return its end and its seconds."""
    began = time.monotonic()
    try:
        done = site.inv(*words)
    except subprocess.TimeoutExpired as error:
        done = subprocess.CompletedProcess(words, -1, f"no end within {error.timeout:.0f} s")
    return done, time.monotonic() - began


def moment_of(site: Application, step: str, strike: Strike | None, usual: float) -> Moment:
    """Return when the strike happened within its step."""
    if strike is None:
        return Moment(0, usual, False)
    return Moment(strike.struck - strike.began, usual, not has_ended(site, step, strike))


def has_ended(site: Application, step: str, strike: Strike) -> bool:
    """Return whether the step had ended before the strike. ``receive`` has no record and ends where the next begins."""
    for entry in journal(site):
        ends = entry.what in ("done", "failed") if entry.step == step else step == "receive"
        if ends and strike.began < entry.wall <= strike.struck:
            return True
    return False


def settle(site: Application) -> None:
    """Bring a new commit live after a rollback, so that every round begins alike."""
    site.commit(f"settled {time.time()}")
    site.receipt("deploy")
