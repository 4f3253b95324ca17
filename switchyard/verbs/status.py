"""``inv status``: what runs on a host now."""

from __future__ import annotations

import time
from pathlib import Path

from switchyard.control.certificate_ends import describe_end, is_near
from switchyard.control.channel import Channel
from switchyard.control.host_answers import HostAnswers, ask_host
from switchyard.control.public_address import url_of
from switchyard.control.screen import Screen, ago
from switchyard.core import edge_container
from switchyard.core.edge_counts import BOUNDS
from switchyard.core.errors import DRIFT, OK
from switchyard.core.wire.answers import KeptRelease, LeaseStatus, SlotStatus, Status
from switchyard.core.wire.receipt import MachineStatus, StatusReport
from switchyard.core.wire.traffic import LiveTraffic

HEALTH = {True: "healthy", False: "not healthy", None: "health unknown"}


def status(checkout: Path, host_name: str, *, as_json: bool) -> int:
    """Show what runs on each machine. Return ``DRIFT`` where it differs from the record."""
    machines = ask_host(checkout, host_name, status_of)
    screen = Screen(as_json=as_json)
    if as_json:
        screen.finish(report(machines))
    else:
        for name, answer in machines.answers.items():
            show(name, answer, screen, machines.host.name)
        machines.show_errors(screen)
    drifts = any(answer.drift for answer in machines.answers.values())
    return machines.exit or (DRIFT if drifts else OK)


def status_of(channel: Channel) -> Status:
    """Ask one machine."""
    return channel.ask(channel.request("status"), Status)


def report(machines: HostAnswers[Status]) -> StatusReport:
    """Return what ``--json`` prints."""
    urls = {
        machine.name: url_of(machines.host, machine, machines.answers[machine.name].routes)
        for machine in machines.host.setting.machines
        if machine.name in machines.answers
    }
    hosts = [
        MachineStatus(
            name,
            urls[name],
            answer.live,
            answer.idle,
            answer.lease,
            answer.kept,
            answer.drift,
            answer.edge_lacks,
            answer.traffic,
            answer.certificates,
        )
        for name, answer in machines.answers.items()
    ]
    return StatusReport(machines.app, tuple(hosts), machines.unanswered)


def show(machine: str, answer: Status, screen: Screen, host: str) -> None:
    """Show one machine."""
    screen.say(f"{machine}: live {_slot(answer.live)}", "bold")
    screen.say(f"{machine}: idle {_slot(answer.idle)}")
    screen.say(f"{machine}: the edge answers from {answer.proxy}")
    if answer.edge_lacks:
        screen.say(f"{machine}: {edge_container.describe(answer.edge_lacks, host)}", "yellow")
    if answer.live is not None:
        screen.say(f"{machine}: {describe(answer)}")
    if answer.lease is not None:
        screen.say(f"{machine}: {_lease(answer.lease)}")
    rows = ((kept.release, kept.state, kept.commit[:10], _remark(kept)) for kept in answer.kept)
    screen.table(("release", "state", "commit", ""), rows)
    for certificate in answer.certificates:
        words = describe_end(certificate.name, certificate.ends, time.time())
        screen.say(f"{machine}: {words}", "yellow" if is_near(certificate.ends, time.time()) else "")
    for difference in answer.drift:
        screen.say(f"{machine}: drift: {difference}", "yellow")


def describe(answer: Status) -> str:
    """Say what the live release does now. What nobody counted is unknown, not nothing."""
    if answer.proxy == "down":
        return "traffic unknown: the edge does not run"
    if answer.traffic is None:
        return "traffic unknown: the edge counts from the next deploy on, and tells it a second after a reload"
    live = answer.traffic.live
    if live is None:
        return "traffic unknown: the edge has counted for less than a second"
    parts = [f"{live.rate:.1f} requests/s over {live.seconds:.0f} s", *_quality(live)]
    parts += [f"{live.websockets} websockets open"] if live.websockets else []
    if live.connections:
        parts.append(f"{live.connections} TCP connections, {live.unconnected} failed")
    return ", ".join(parts)


def _quality(live: LiveTraffic) -> list[str]:
    if not live.requests:
        return []
    slowest = f"above {BOUNDS[-1]:g} s" if live.p95 is None else f"at most {live.p95:g} s"
    return [f"{100 * live.failed / live.requests:.2g} % failed", *([f"p95 {slowest}"] if live.timed else [])]


def _slot(slot: SlotStatus | None) -> str:
    if slot is None:
        return "nothing"
    return f"{slot.colour:<5} {slot.release} ({slot.state}, {ago(slot.since)}) {HEALTH[slot.healthy]}"


def _lease(lease: LeaseStatus) -> str:
    ended = f"; {lease.ended}" if lease.ended else ""
    return f"{lease.who} holds the lease: {lease.doing}, {ago(lease.since)}{ended}"


def _remark(kept: KeptRelease) -> str:
    return f"images gone: {', '.join(kept.missing)}" if kept.missing else kept.subject
