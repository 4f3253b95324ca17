"""``inv plan``, and ``inv deploy --dry-run``: steps and commands that a deploy would carry out, and what changes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from switchyard.control import commit as source
from switchyard.control.channel import Line, env_of
from switchyard.control.release import Ready, carried, make_ready, refuse
from switchyard.core import commands, plan_commands
from switchyard.core.compose_document import services_of
from switchyard.core.errors import Refused
from switchyard.core.next_step import Want
from switchyard.core.plan import walk
from switchyard.core.site import Site, Slot
from switchyard.core.steps import Step
from switchyard.settings.model import Host
from switchyard.verbs.deploy import Options, opened


def plan(checkout: Path, host_name: str, options: Options) -> int:
    """The real reads and the plan; nothing is written on the host but the program."""
    with opened(checkout, host_name, options) as (host, lines, app, picked, screen):
        machines = []
        carries = carried(env_of(host), app, picked)
        for line in lines:
            facts = line.ask("facts")
            ready = make_ready(carries, facts, picked, screen)
            values = dict(facts["site"])
            site = Site(**{**values, "blue": Slot(**values["blue"]), "green": Slot(**values["green"])})
            has_singles, has_oneshots = bool(ready.split.handover), bool(ready.split.oneshots)
            found = walk(Want("deploy", ready.release), site, singles=has_singles, oneshots=has_oneshots)
            target = _target(facts, ready)
            steps: dict[str, list[str]] = {"predeploy": []} if line is lines[0] else {}
            steps |= {str(step): _shown(step, target, before, facts) for step, before in found}
            digest = commands.digest((name, shown) for name, shown in steps.items() if name != "receive")
            differ = line.ask("changes", services=services_of(ready.document.raw))["changed"] if facts["live"] else {}
            changes = [
                *_changes(facts, ready, differ),
                *_descent(facts, picked, options),
                *_refusal(line, facts, ready, host),
            ]
            machines.append(
                {
                    "name": line.machine.name,
                    "steps": list(steps),
                    "commands": steps,
                    "changes": changes,
                    "digest": digest,
                }
            )
            screen.say(f"{line.machine.name}: {ready.release} ({picked.subject})", "bold")
            for name, words in steps.items():
                screen.say(f"  {name}")
                for command in words:
                    screen.say(f"    {command}", "dim")
            for change in changes:
                screen.say(f"  {change}")
            screen.say(f"  plan {digest}", "dim")
        screen.finish({"v": 1, "outcome": "planned", "exit": 0, "commit": picked.commit, "hosts": machines})
        return 0


def _target(facts: Mapping[str, Any], ready: Ready) -> commands.Target:
    parts = ready.split
    return commands.Target(
        app=ready.app.name,
        root=facts["root"],
        release=ready.release,
        builds=bool(parts.built_services),
        pulls=parts.pulls,
        shared=tuple(sorted(parts.shared_services)),
        oneshots=parts.oneshots,
        front=parts.front,
        handover=parts.handover,
        smoke=tuple(ready.app.smoke),
        scales=facts["scales"],
    )


def _shown(step: Step, target: commands.Target, site: Site, facts: Mapping[str, Any]) -> list[str]:
    found = plan_commands.planned(step, target, site, images=facts["images"], known=facts["shared"])
    return [commands.shown(argv, target.release) for argv in found]


def _changes(facts: Mapping[str, Any], ready: Ready, differ: Mapping[str, list[str]]) -> list[str]:
    """What differs from the live release: env keys, services and their keys (``differ``), images, migrations."""
    live = facts["live"]
    if live is None:
        return ["nothing is live: everything is new"]
    built = sorted(ready.split.built_services)
    found = [f"images of {', '.join(built)}: known after build"] if built else []
    migrations = ready.app.migrations
    if migrations is not None:
        found.append(f"migrations of {migrations.service}: {_pending(facts, ready)}")
    found += [f"compose: {name}: {', '.join(keys)}" for name, keys in differ.items()]
    keys, before = set(ready.values), set(live["env_keys"] or ())
    services, running = set(ready.split.kinds), set(live["kinds"] or ())
    pairs = (
        ("env keys added", keys - before),
        ("env keys gone", before - keys),
        ("services added", services - running),
        ("services gone", running - services),
    )
    return [f"{what}: {', '.join(sorted(names))}" for what, names in pairs if names] + found


def _descent(facts: Mapping[str, Any], picked: source.Source, options: Options) -> list[str]:
    """Whether the host would refuse the commit for not descending from the live one, as this repository tells."""
    if facts["live"] is None or options.allow_downgrade:
        return []
    descends = source.descends(picked, facts["live"]["commit"])
    if descends is None:
        return [f"whether it descends from {facts['live']['commit'][:10]}, which is live: unknown in this repository"]
    return [] if descends else [f"REFUSED: not a descendant of {facts['live']['commit'][:10]}, which is live"]


def _refusal(line: Line, facts: Mapping[str, Any], ready: Ready, host: Host) -> list[str]:
    """What there is on the host that a deploy would refuse to begin with."""
    try:
        refuse(line.machine.name, facts, ready, host)
    except Refused as why:
        return [f"REFUSED: {why}"]
    return []


def _pending(facts: Mapping[str, Any], ready: Ready) -> str:
    """The migration files that the live release did not have; unknown where the settings name none."""
    if not ready.migrations:
        return "known after build"
    had = set((facts["live"].get("head") or {}).get("files") or ())
    return ", ".join(sorted(set(ready.migrations) - had)) or "none new"
