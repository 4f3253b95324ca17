"""Rounds at rest: somebody strikes containers of the live colour, and types the verb that brought it live again."""

from __future__ import annotations

import random

from bench.faults import judgement
from bench.faults.applications import Application
from bench.faults.observations import serving, shared_services
from bench.faults.round import TAIL, run_verb
from bench.faults.table import Moment, Row
from bench.hosts import executions
from tests.harness.heartbeats import longest_gap, overlaps

ACTOR = "by-hand"
VERBS = ("deploy", "rollback --to")
HOW = ("kill", "stop", "pause", "rm --force")


def strike_at_rest(site: Application, verb: str, chance: random.Random) -> Row:
    """Bring a release live, strike some of its containers, type the verb again, and judge the outcome."""
    version = f"rest-{chance.randrange(10**6)}"
    commit = site.commit(version)
    site.receipt("deploy")
    site.clear()
    release, shared, before = serving(site)[0], shared_services(site, may_restart=False), _running(site)
    how = chance.choice(HOW)
    struck = _some(site, chance, spare=how == HOW[-1])
    site.docker(*how.split(), *struck)
    words = ("deploy",) if verb == "deploy" else ("rollback", "--to", release)
    executed = executions(site)
    done, seconds = run_verb(site, *words)
    executed = executions(site) - executed
    problems = [f"{how} {len(struck)}, and {verb} exited with {done.returncode}: {done.stdout.strip()[-TAIL:]}"]
    problems = problems * (done.returncode != 0) + judgement.live_state(site, version, commit, taken_back=None)
    if serving(site)[0] != release:
        problems.append(f"live is {serving(site)[0]}, and was {release}")
    if shared_services(site, may_restart=False) != shared:
        problems.append("the shared services are not the same as before")
    after = _running(site)
    touched = [name for name, started in before.items() if name not in struck and after.get(name) != started]
    if touched:
        problems.append(f"what ran was not left alone: {touched}")
    heartbeats = site.heartbeats()
    return Row(
        step=f"rest, {verb.split()[0]}",
        actor=ACTOR,
        moment=Moment(0.0, 0.0, True),
        code=0,
        next_code=done.returncode,
        next_seconds=seconds,
        executions=executed,
        sent=0,
        failed=0,
        gap=longest_gap(heartbeats),
        problems=(*problems, *overlaps(heartbeats)),
    )


def _running(site: Application) -> dict[str, str]:
    """Return when each running container started, by its id."""
    running = site.docker("ps", "--quiet").split()
    lines = site.docker("inspect", "--format", "{{.Id}} {{.State.StartedAt}}", *running).splitlines()
    return dict(line.split(" ", 1) for line in lines)


def _some(site: Application, chance: random.Random, *, spare: bool) -> list[str]:
    """Return some containers of the live colour. ``spare`` one: without any, nothing tells what was live."""
    colour = site.read("edge/maps/live.map").split()[1]
    labels = ["--filter", f"label=switchyard.app={site.name}", "--filter", f"label=switchyard.colour={colour}"]
    containers = sorted(site.docker("ps", "--quiet", "--no-trunc", *labels).split())
    return chance.sample(containers, chance.randint(1, len(containers) - spare))
