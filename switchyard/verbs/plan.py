"""``inv plan``, and ``inv deploy --dry-run``: steps and commands that a deploy would carry out, and what changes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from switchyard import source
from switchyard.core import commands
from switchyard.core.machine import Step, Want
from switchyard.core.plan import walk
from switchyard.core.site import Site, Slot
from switchyard.core.split import key_digests
from switchyard.verbs.deploy import Options, Ready, make_ready, opened


def plan(checkout: Path, host_name: str, options: Options) -> int:
    """The real reads and the plan; nothing is written on the host but the program."""
    with opened(checkout, host_name, options) as (host, lines, app, picked, screen):
        machines = []
        for line in lines:
            facts = line.ask("facts")
            ready = make_ready(host, facts, app, picked, screen)
            values = dict(facts["site"])
            site = Site(**{**values, "blue": Slot(**values["blue"]), "green": Slot(**values["green"])})
            has_singles, has_oneshots = bool(ready.split.handover), bool(ready.split.oneshots)
            found = walk(Want("deploy", ready.release), site, singles=has_singles, oneshots=has_oneshots)
            target = _target(facts, ready)
            known = (facts["shared"] or {}).get("services") or {}
            steps = {str(step): _shown(step, target, before, facts["images"], known) for step, before in found}
            digest = commands.digest((name, carried) for name, carried in steps.items() if name != "receive")
            changes = [*_changes(facts, ready), *_descent(facts, picked, options)]
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
            for name, carried in steps.items():
                screen.say(f"  {name}")
                for command in carried:
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
        builds=bool(parts.build["services"]),
        pulls=parts.pulls,
        shared=tuple(sorted(parts.shared.get("services") or {})),
        oneshots=parts.oneshots,
        front=parts.front,
        handover=parts.handover,
        smoke=tuple(ready.app.smoke),
        scales=facts["scales"],
    )


def _shown(step: Step, target: commands.Target, site: Site, images: list[str], known: Collection[str]) -> list[str]:
    found = commands.planned(step, target, site, images=images, known=known)
    return [commands.shown(argv, target.release) for argv in found]


def _changes(facts: Mapping[str, Any], ready: Ready) -> list[str]:
    """What differs from the live release: env keys, services and their keys, images, migrations."""
    live = facts["live"]
    if live is None:
        return ["nothing is live: everything is new"]
    built = sorted(ready.split.build["services"])
    found = [f"images of {', '.join(built)}: known after build"] if built else []
    migrations = ready.app.migrations
    if migrations is not None:
        found.append(f"migrations of {migrations.service}: {_pending(facts, ready)}")
    found += _compose_diff(facts["compose_keys"] or {}, ready.document)
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


def _pending(facts: Mapping[str, Any], ready: Ready) -> str:
    """The migration files that the live release did not have; unknown where the settings name none."""
    if not ready.migrations:
        return "known after build"
    had = set((facts["live"].get("head") or {}).get("files") or ())
    return ", ".join(sorted(set(ready.migrations) - had)) or "none new"


def _compose_diff(before: Mapping[str, Mapping[str, str]], document: Mapping[str, Any]) -> list[str]:
    """Each service that both have, with the keys whose values differ. Values are compared, never shown."""
    after = key_digests(document)
    found = []
    for name in sorted(before.keys() & after.keys()):
        keys = {*before[name], *after[name]}
        changed = sorted(key for key in keys if before[name].get(key) != after[name].get(key))
        found += [f"compose: {name}: {', '.join(changed)}"] if changed else []
    return found
