"""``inv plan`` and ``inv deploy --dry-run``: the steps and commands of a deploy, and what it changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from switchyard.control.admission import ask_admission
from switchyard.control.channel import Channel
from switchyard.control.commit import descends
from switchyard.control.deploy_options import DeployOptions
from switchyard.control.refusals import judgement_of_release, unfit
from switchyard.control.release import CommitContents, Release, prepare_release
from switchyard.control.screen import Screen
from switchyard.control.shipment import Shipment, open_shipment
from switchyard.core import build_order, commands, plan_commands
from switchyard.core.app import Route
from switchyard.core.compose_document import Document
from switchyard.core.errors import OK, REFUSED
from switchyard.core.held_routes import HeldRoute, is_same, leads
from switchyard.core.next_step import Want
from switchyard.core.plan import walk
from switchyard.core.site import Site
from switchyard.core.wire.answers import Changes, PlanFacts, PlannedImage
from switchyard.core.wire.facts import LiveRelease
from switchyard.core.wire.receipt import MachinePlan, Plan
from switchyard.settings.model import Host

REFUSED_MARK = "REFUSED: "
"""Begins a line of the plan that says why a deploy would be refused."""


def plan(checkout: Path, host_name: str, options: DeployOptions) -> int:
    """Show what a deploy would do. Nothing changes on the host, except that it receives the host program.

    Return ``REFUSED`` where a deploy would be refused.
    """
    with open_shipment(checkout, host_name, options) as shipment:
        contents = shipment.read_commit(shipment.env())
        machines = [plan_machine(channel, contents, shipment, options) for channel in shipment.channels]
        is_refused = any(change.startswith(REFUSED_MARK) for machine in machines for change in machine.changes)
        outcome, code = ("refused", REFUSED) if is_refused else ("planned", OK)
        shipment.screen.finish(Plan(outcome, code, shipment.commit.id, tuple(machines)))
    return code


def plan_machine(channel: Channel, contents: CommitContents, shipment: Shipment, options: DeployOptions) -> MachinePlan:
    """Plan one machine, and show it. Predeploy runs once, so only the first machine lists it as a step."""
    facts = channel.ask(channel.request("facts"), PlanFacts)
    release = prepare_release(contents, facts, shipment.screen)
    steps: dict[str, tuple[str, ...]] = {"predeploy": ()} if channel is shipment.channels[0] else {}
    admission = ask_admission(channel, release, facts.live, options)
    steps |= planned_steps(facts, release, admission.images)
    sources = judgement_of_release(channel, release, facts.root)
    refusals = (*unfit(channel.machine.name, facts, release, shipment.host), *admission.reasons, *sources.problems)
    changes = (
        *live_changes(channel, facts, release),
        *admission.notes,
        *route_changes(facts, release, shipment.host),
        *descent(facts.live, release, options),
        *(REFUSED_MARK + reason for reason in dict.fromkeys(refusals) if not admission.is_live),
        *sources.unknown,
    )
    digest = commands.digest((name, shown) for name, shown in steps.items() if name != "receive")
    machine = MachinePlan(channel.machine.name, tuple(steps), steps, changes, digest)
    show(machine, release, shipment.screen)
    return machine


def planned_steps(
    facts: PlanFacts, release: Release, images: Mapping[str, PlannedImage] | None = None
) -> dict[str, tuple[str, ...]]:
    """Return each step with the commands that it would run."""
    parts, site = release.split, site_before(facts, release)
    steps = walk(
        Want("deploy", release.id),
        site,
        singles=bool(parts.handover),
        exclusive=bool(release.app.exclusive),
        oneshots=bool(parts.oneshots),
    )
    target = target_of(facts, release, images or {})
    return {
        str(step): tuple(
            commands.shown(argv, release.id)
            for argv in plan_commands.planned(step, target, site, images=facts.images, known=facts.shared)
        )
        for step, site in steps
    }


def site_before(facts: PlanFacts, release: Release) -> Site:
    """Return the site as this release finds it: where it needs what the host lacks, something of it is absent."""
    parts = release.split
    needed = ((parts.volumes.values(), facts.volumes), (parts.data, facts.data), (parts.shared_services, facts.shared))
    has_all = all(set(names) <= set(present) for names, present in needed)
    return facts.site if has_all else replace(facts.site, shared="absent")


def target_of(facts: PlanFacts, release: Release, images: Mapping[str, PlannedImage]) -> commands.Target:
    """Return the release as commands name it."""
    parts = release.split
    return commands.Target(
        app=release.app.name,
        root=facts.root,
        release=release.id,
        builds=build_order.stages(Document.decode(parts.build)),
        pulls={
            service: commands.Fetch(parts.pulls.get(service, ""), image.pin, image.is_here, image.is_named)
            for service, image in images.items()
        },
        shared=tuple(sorted(parts.shared_services)),
        oneshots=parts.oneshots,
        front=parts.front,
        handover=parts.handover,
        smoke=release.app.smoke,
        scales=facts.scales,
    )


def live_changes(channel: Channel, facts: PlanFacts, release: Release) -> list[str]:
    """Return what differs from the live release. The machine compares the documents: no value leaves it."""
    if facts.live is None:
        return ["nothing is live: everything is new"]
    services = {name: service.raw for name, service in release.document.services.items()}
    changed = channel.ask(replace(channel.request("changes"), services=services), Changes).changed
    return differences(facts.live, release, changed)


def differences(live: LiveRelease, release: Release, changed: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the differences in env keys, services, images, migrations and the keys of each service."""
    keys, live_keys = set(release.variables), set(live.env_keys or ())
    services, live_services = set(release.split.kinds), set(live.kinds or ())
    sets = {
        "env keys added": keys - live_keys,
        "env keys dropped (--drop-env)": live_keys & set(release.contents.dropped),
        "env keys gone": live_keys - keys - set(release.contents.dropped),
        "services added": services - live_services,
        "services gone": live_services - services,
    }
    lines = [f"{title}: {', '.join(sorted(names))}" for title, names in sets.items() if names]
    if release.split.built_services:
        lines.append(f"images of {', '.join(sorted(release.split.built_services))}: known after build")
    if release.app.migrations is not None:
        lines.append(f"migrations of {release.app.migrations.service}: {_pending_migrations(live, release)}")
    return [*lines, *(f"compose: {name}: {', '.join(names)}" for name, names in changed.items())]


def route_changes(facts: PlanFacts, release: Release, host: Host) -> list[str]:
    """Return the routes that lead elsewhere in this release, and those that it closes."""
    if facts.edge is None or facts.live is None:
        return []
    lines, number = [], facts.number + 1
    routes = leads(facts.edge, release.split.routes, number)
    for address, after in zip(facts.edge, routes, strict=True):
        before = [each for each in facts.routes if is_same(each, address)]
        if not after:
            when = "is closed at the switch" if before else "is closed already"
            lines.append(
                f"route {address.public} {when}: this release has none there; the next "
                f"inv edge.apply --host {host.name} frees its port"
            )
        elif before:
            lines += _changes_at(address, before, after)
    return lines


def _changes_at(address: HeldRoute, before: Sequence[Route], after: Sequence[Route]) -> Iterator[str]:
    """Yield what changes at an address that stays open: for which names and paths it leads elsewhere."""
    olds, news = ({(route.host, route.path): _target(route) for route in routes} for routes in (before, after))
    for part in dict.fromkeys((*olds, *news)):
        old, new = olds.get(part, "nothing"), news.get(part, "nothing")
        if old != new:
            yield f"route {f'{address.public} {part[0]}{part[1]}'.strip()}: {old} becomes {new}"


def _target(route: Route) -> str:
    return f"{route.service}:{route.port}" + (f" ({route.mode})" if route.mode != "http" else "")


def _pending_migrations(live: LiveRelease, release: Release) -> str:
    """Return the migration files that the live release lacks; unknown where the settings name no files."""
    if not release.contents.migrations:
        return "known after build"
    applied = live.head.files if live.head is not None else ()
    return ", ".join(sorted(set(release.contents.migrations) - set(applied))) or "none new"


def descent(live: LiveRelease | None, release: Release, options: DeployOptions) -> list[str]:
    """Return that this repository cannot tell whether the commit descends from the live one, which a deploy asks."""
    if live is None or options.allow_downgrade or descends(release.commit, live.commit) is not None:
        return []
    return [f"whether it descends from the live commit {live.commit[:10]}: unknown in this repository"]


def show(machine: MachinePlan, release: Release, screen: Screen) -> None:
    """Show the plan of one machine."""
    screen.say(f"{machine.name}: {release.id} ({release.commit.subject})", "bold")
    for name, lines in machine.commands.items():
        screen.say(f"  {name}")
        for command in lines:
            screen.say(f"    {command}", "dim")
    for change in machine.changes:
        screen.say(f"  {change}")
    screen.say(f"  plan {machine.digest}", "dim")
