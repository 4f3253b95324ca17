"""Rounds about what a person types: each verb twice, and a rollback that stands still before it holds the lease."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bench.faults import judgement
from bench.faults.applications import Application
from bench.faults.observations import serving, standing
from bench.faults.round import TAIL, run_verb, settle
from bench.faults.table import Moment, Row
from bench.hosts import executions
from switchyard.core.errors import OK, REFUSED
from switchyard.core.lease import BEAT_WITHIN
from switchyard.core.wire.receipt import StatusReport
from tests.harness.heartbeats import longest_gap, overlaps
from tests.harness.load import Summary

TWICE, FROZEN, PROGRAM = "twice", "frozen", "frozen-prog"
FROZEN_SECONDS = BEAT_WITHIN + 2.0
"""How long a rollback stands still before it holds the lease."""
END_SECONDS = 60.0
"""The time limit in which a rollback that goes on must end."""
STOP_PROGRAM = 'until pids=$(pgrep -f "[a]pps/{app}/bin/"); do :; done; kill -STOP $pids; echo $pids'
"""Stop the host program of an application as soon as its process is there."""
NONE_RUNS = 'while pgrep -f "[a]pps/{app}/bin/" >/dev/null; do sleep 0.1; done'
"""Wait until the programs of earlier verbs have ended: one of them would be stopped in its place."""


@dataclass(frozen=True)
class Typed:
    """A verb that is typed twice."""

    words: Callable[[Application], Sequence[str]]
    """Prepares the application, and returns what is typed."""
    is_killed: bool = False
    """Whether the first typing is killed once traffic has moved, so that nobody is shown its end."""
    drops: bool = False
    """Whether requests may fail: an apply interrupts."""


def _deploy(site: Application) -> Sequence[str]:
    site.commit(f"typed {time.time()}")
    return ("deploy",)


def _back_to(site: Application) -> Sequence[str]:
    before = serving(site)[0]
    settle(site)
    return ("rollback", "--to", before)


def _rollback(site: Application) -> Sequence[str]:
    settle(site)
    settle(site)
    return ("rollback",)


def _edge(site: Application) -> Sequence[str]:
    port = site.port + 1000
    site.rewrite(f'"{site.port}:8000"', f'"{site.port}:8000"\n      - "{port}:8000"')
    site.commit(f"another port {port}")
    return ("edge.apply", "--yes")


VERBS = {
    "deploy": Typed(_deploy),
    "rollback": Typed(_rollback, is_killed=True),
    "rollback --to": Typed(_back_to),
    "scale": Typed(lambda _: ("scale", "--service", "web", "--count", "2")),
    "shared.apply": Typed(lambda _: ("shared.apply", "--yes")),
    "edge.apply": Typed(_edge, drops=True),
}
"""Verbs that act, in an order in which none spoils the next one's round."""
ACTORS = (TWICE, FROZEN, PROGRAM)
"""Who types: somebody twice, somebody whose ``inv`` stands still, somebody whose host program does."""


def rounds(actors: Sequence[str], seed: int, *, whole: bool) -> Iterator[tuple[str, str]]:
    """Yield verbs with actors; unless ``whole``, one of the rounds that stand still, by the seed."""
    if TWICE in actors:
        yield from itertools.product(VERBS, [TWICE])
    late = [actor for actor in (FROZEN, PROGRAM) if actor in actors]
    yield from (("rollback", actor) for actor in (late if whole else late[seed % 2 : seed % 2 + 1]))


def type_verb(site: Application, verb: str, actor: str) -> Row:
    """Type a verb in one of these ways under load, and judge the outcome."""
    return _twice(site, verb) if actor == TWICE else _too_late(site, actor)


def _twice(site: Application, verb: str) -> Row:
    typed = VERBS[verb]
    words = typed.words(site)
    site.clear()
    target = _way_back(site)
    with site.load() as load:
        first = _kill_after_switch(site, words) if typed.is_killed else site.inv(*words).returncode
        once = None if typed.is_killed else standing(site)
        before = executions(site)
        again, seconds = run_verb(site, *words)
        executed = executions(site) - before
        twice = standing(site)
        summary = load.stop()
    problems = [f"the first {verb} exited with {first}"] * (first != 0 and not typed.is_killed)
    if again.returncode != 0:
        problems.append(f"the second {verb} exited with {again.returncode}: {again.stdout.strip()[-TAIL:]}")
    if once is not None and once != twice:
        problems.append(f"the second {verb} changed {once} to {twice}")
    if typed.is_killed and twice.release != target:
        problems.append(f"it went back to {twice.release}, not to {target}: {again.stdout.strip()[-TAIL:]}")
    problems += judgement.requests(site, summary, drops=typed.drops)
    return _row(site, (verb, TWICE), (first, again.returncode, seconds, executed), summary, problems)


def _too_late(site: Application, actor: str) -> Row:
    """Let a rollback stand still until it is too old, and go on."""
    settle(site)
    site.clear()
    with site.load() as load:
        before = standing(site)
        site.run("sh", "-c", NONE_RUNS.format(app=site.name))
        stop = STOP_PROGRAM.format(app=site.name) if actor == PROGRAM else "true"
        argv = ["docker", "exec", site.host.container, "timeout", f"{END_SECONDS:.0f}", "sh", "-c", stop]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as stopper:
            process = site.start("rollback", "--host", "prod", new_session=True)
            if actor == FROZEN:
                os.killpg(process.pid, signal.SIGSTOP)
            time.sleep(FROZEN_SECONDS)
            os.killpg(process.pid, signal.SIGCONT)
            stopped, _ = stopper.communicate(timeout=END_SECONDS)
        if stopped.split():
            site.run("kill", "-CONT", *stopped.split())
        output, _ = process.communicate(timeout=END_SECONDS)
        after = standing(site)
        summary = load.stop()
    problems = [f"it changed {before} to {after}"] * (after != before)
    if process.returncode != REFUSED or "run it again" not in output:
        problems.append(f"it exited with {process.returncode}: {output.strip()[-TAIL:]}")
    problems += judgement.requests(site, summary, drops=False)
    return _row(site, ("rollback", actor), (process.returncode, OK, FROZEN_SECONDS, 0), summary, problems)


def _way_back(site: Application) -> str:
    """Return the release before the newest one, which is live."""
    (machine,) = StatusReport.decode(site.receipt("status")).hosts
    return machine.kept[1].release


def _kill_after_switch(site: Application, words: Sequence[str]) -> int:
    """Type a verb, and kill its operator as soon as traffic has moved."""
    with site.start(*words, "--host", "prod", new_session=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "switching traffic" in line:
                os.killpg(process.pid, signal.SIGKILL)
    return process.returncode


def _row(
    site: Application,
    names: tuple[str, str],
    ends: tuple[int, int, float, int],
    summary: Summary,
    problems: Sequence[str],
) -> Row:
    """Return the row of a round: the verb and who typed it, then how the first and the second typing ended."""
    heartbeats = site.heartbeats()
    release = serving(site)[0]
    workers = [f"the workers at the end are of {site.workers()}, and live is {release}"]
    code, next_code, seconds, executed = ends
    return Row(
        step=names[0],
        actor=names[1],
        moment=Moment(0.0, 0.0, True),
        code=code,
        next_code=next_code,
        next_seconds=seconds,
        executions=executed,
        sent=summary.sent,
        failed=summary.failed,
        gap=longest_gap(heartbeats),
        problems=(*problems, *overlaps(heartbeats), *(workers if site.workers() != [release] else ())),
    )
