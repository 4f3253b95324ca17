"""Move traffic from one colour to the other."""

from __future__ import annotations

import time

from switchyard.core import commands, edge, names
from switchyard.core.site import NOTHING, Site
from switchyard.core.steps import hold_after_switch
from switchyard.core.wire.events import Switched
from switchyard.host.adapters.files import link
from switchyard.host.adapters.releases import Releases
from switchyard.host.attempt import Attempt
from switchyard.host.steps.hold import let_through


def switch(attempt: Attempt, colour: str) -> None:
    """Move traffic to a colour, or to none: the map file, the running map, read back.

    What began on the old colour may finish there, except on a way back.
    """
    site = attempt.site()
    leaving = site.live
    release = site.slot(colour).release if colour != NOTHING else None
    is_deploy = attempt.request.verb == "deploy" and release == attempt.wanted.id
    attempt.proxy.fill("drain", _drain_map(attempt, site) if is_deploy else "")
    attempt.lease.has_switched = True
    attempt.lease.renew()
    attempt.commands.show(commands.live(colour))
    attempt.proxy.switch(colour)
    if site.slot(colour).exclusive and colour != NOTHING:
        attempt.memory.proven.pop(f"single {colour}", None)  # it was of the exclusive services alone
    if release is not None:
        _record(attempt.store.releases, release, colour, is_wanted=release == attempt.wanted.id)
        link(attempt.store.root / "current", colour)
    is_cut = not is_deploy and leaving in names.COLOURS
    left = attempt.proxy.connections(leaving) if is_cut else 0
    attempt.events.emit(Switched(colour, release, leaving, left))
    if site.hold != hold_after_switch(site, colour):
        let_through(attempt)


def _drain_map(attempt: Attempt, site: Site) -> str:
    """Return the map that sends requests of the old release's pages to it while it drains; empty without affinity."""
    if site.live not in names.COLOURS or not any(route.affinity for route in attempt.wanted.routes):
        return ""
    return edge.drain_map({site.slot(site.live).release or "none": int(time.time()) + attempt.wanted.app.drain})


def _record(releases: Releases, release: str, colour: str, *, is_wanted: bool) -> None:
    """Record when a release went live, and where. One that traffic goes back to keeps its state."""
    record = releases.readable(release)
    if record is not None:
        state = "live" if is_wanted else record.state
        releases.update(release, state=state, since=round(time.time(), 3), colour=colour)
