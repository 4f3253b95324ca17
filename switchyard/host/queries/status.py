"""``status``: what runs now."""

from __future__ import annotations

from collections.abc import Sequence

from switchyard.core import names
from switchyard.core.outside_text import plain
from switchyard.core.site import NOTHING
from switchyard.core.traffic import traffic
from switchyard.core.wire.answers import KeptRelease, LeaseStatus, SlotStatus, Status
from switchyard.core.wire.release import ReleaseRecord
from switchyard.core.wire.request import Request
from switchyard.core.wire.traffic import Traffic
from switchyard.host import backup, certificates, edge_container, observe, replicas
from switchyard.host.adapters import engine
from switchyard.host.adapters.container import Container
from switchyard.host.adapters.proxy import Proxy
from switchyard.host.adapters.store import Store
from switchyard.host.edge_configuration import live_routes
from switchyard.host.memory import Memory
from switchyard.host.queries import drift, health
from switchyard.host.queries.secrets import every_redactor
from switchyard.host.slot_state import held_release, of_colour


def status(store: Store, request: Request) -> Status:
    """Return the colours with their health, the proxy's target, the lease, the kept releases and the drift."""
    site = observe.site(store, request.app, "", Memory())
    containers = engine.containers(f"{names.APP}={request.app}")
    lease, ended = store.lease.holder()
    idle = site.idle if site.live != NOTHING or site.blue.release else "green"
    problems = drift.of_colours(store, containers, site) + drift.of_neighbours(store, request.app)
    named = [*store.releases.damaged().values()]
    named += [each for part in (site.blue, site.green) for each in store.releases.problems(part.release)]
    problems += dict.fromkeys(named)
    if lease is None or ended is not None:  # otherwise what is missing may be on its way
        problems += drift.of_services(store, containers, site.live)
        problems += [f"inv {verb} was cut short. Run it again" for verb in backup.unfinished(store)]
    redact = every_redactor(store)
    live = _slot(store, site.live, site.live, containers)
    return Status(
        live=live,
        idle=_slot(store, idle, site.live, containers),
        routes=live_routes(store, site.slot(site.live).release if site.live != NOTHING else None),
        proxy=site.proxy,
        map_file=site.map_file,
        lease=None if lease is None else LeaseStatus(plain(lease.who), lease.doing, lease.since, ended),
        traffic=_traffic(store, live),
        kept=tuple(_kept(record, redact(record.subject)) for record in store.releases.readable_records()),
        drift=tuple(map(redact, problems)),
        journal=tuple(map(redact, store.journal.problems(request.head))),
        edge_lacks=edge_container.lacks(store, request.app),
        certificates=tuple(certificates.ends(Proxy(store))),
    )


def _traffic(store: Store, live: SlotStatus | None) -> Traffic | None:
    """Return what the edge counted; None where that is unknown."""
    reading = Proxy(store).counts()
    if reading is None:
        return None
    return traffic(reading, live.colour, live.release, live.since or 0.0) if live else traffic(reading)


def _kept(record: ReleaseRecord, subject: str) -> KeptRelease:
    return KeptRelease(
        release=record.id,
        number=record.number,
        commit=record.commit,
        state=record.state,
        subject=subject,
        missing=tuple(observe.missing_images(record)),
    )


def _slot(store: Store, colour: str, live: str, containers: Sequence[Container]) -> SlotStatus | None:
    """Return a colour and its release.

    The singletons of a colour that stands by are stopped, so they count neither as missing nor as unhealthy.
    """
    services, standing_by = of_colour(containers, colour), colour != live
    release = held_release(store, containers, colour, live)
    if release is None and not services:
        return None
    record = store.releases.readable(release)
    judged = [container for container in services if not (standing_by and container.is_singleton)]
    return SlotStatus(
        colour=colour,
        release=release or "",
        commit=record.commit if record else None,
        state=record.state if record else None,
        since=record.since if record else None,
        healthy=_healthy(store, record, colour, judged, standing_by=standing_by) if record else None,
    )


def _healthy(
    store: Store, record: ReleaseRecord, colour: str, containers: Sequence[Container], *, standing_by: bool
) -> bool | None:
    """Return whether the containers are healthy; None where some are missing or stopped, or nothing tells."""
    services = record.front if standing_by else (*record.front, *record.handover)
    if replicas.lacking(containers, replicas.of_colour(store, record, colour, services)):
        return None
    if not containers or any(not container.is_running for container in containers):
        return None
    return health.of_containers(containers, record)
