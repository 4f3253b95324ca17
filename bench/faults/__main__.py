"""Run the rounds and print their table. Exit 1 where a round fails or a step has no round."""

from __future__ import annotations

import argparse
import itertools
import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import bench.faults
from bench.faults import at_rest, typed_verbs
from bench.faults.actors import ACTORS
from bench.faults.applications import EXAMPLES, Application
from bench.faults.round import strike_deploy
from bench.faults.table import report
from bench.hosts import sandbox_host
from switchyard.control import sandbox
from switchyard.core.wire.receipt import Plan
from tests.harness.relay import Relay


def main() -> int:
    parser = argparse.ArgumentParser(prog="nox -s faults --", description=(bench.faults.__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=0, help="how often to run the whole matrix; else each step once")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="printed; repeat it to repeat a run")
    parser.add_argument("--only", default="", help="steps, separated by commas")
    parser.add_argument(
        "--actors", default="", help=f"of {', '.join([*ACTORS, *typed_verbs.ACTORS])}; separated by commas"
    )
    parser.add_argument("--example", choices=EXAMPLES, default="web", help="what to deploy (web)")
    parser.add_argument("--next", choices=("deploy", "rollback"), default="deploy", help="the verb after the strike")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    chance = random.Random(options.seed)
    with sandbox_host() as (host, folder):
        site, relay = make_site(folder, host, options.example)
        steps = [step for step in plan(site) if not options.only or step in options.only.split(",")]
        is_whole = bool(options.rounds or options.actors)
        chosen = options.actors.split(",") if options.actors else [*ACTORS, *(typed_verbs.ACTORS if is_whole else ())]
        if not (actors := [actor for actor in chosen if actor in ACTORS]):
            steps = []
        rows = []
        for step, actor in pairs(steps, actors, options.rounds, options.seed):
            rows.append(strike_deploy(site, relay, step, actor, chance, options.next))
            print(rows[-1], flush=True)
        for verb, actor in typed_verbs.rounds(
            chosen if not options.only else [], options.seed, whole=options.rounds > 0
        ):
            rows.append(typed_verbs.type_verb(site, verb, actor))
            print(rows[-1], flush=True)
        for verb in at_rest.VERBS if is_whole and at_rest.ACTOR in actors and not options.only else ():
            rows.append(at_rest.strike_at_rest(site, verb, chance))
            print(rows[-1], flush=True)
    return report(steps, rows)


def pairs(steps: Sequence[str], actors: Sequence[str], rounds: int, seed: int) -> Iterator[tuple[str, str]]:
    """Yield steps with actors: the whole matrix ``rounds`` times, or each step once and the actors by turns.

    The seed says which actor comes first.
    """
    if not rounds:
        yield from ((step, actors[(index + seed) % len(actors)]) for index, step in enumerate(steps))
    for _ in range(rounds):
        yield from itertools.product(steps, actors)


def make_site(folder: Path, host: sandbox.SandboxHost, example: str) -> tuple[Application, Relay]:
    """Deploy two releases of an example behind a relay: one live, one standing by."""
    site = EXAMPLES[example](folder / "site", host, folder / "state")
    relay = Relay(host.port)
    site.reach_through(relay.port)
    for version in ("1", "2"):
        site.commit(version)
        site.receipt("deploy")
    return site, relay


def plan(site: Application) -> list[str]:
    """Return the steps of the next deploy that a host takes part in."""
    site.commit("planned")
    (machine,) = Plan.decode(site.receipt("plan")).hosts
    return [step.split()[0] for step in machine.steps if step != "predeploy"]


if __name__ == "__main__":
    sys.exit(main())
