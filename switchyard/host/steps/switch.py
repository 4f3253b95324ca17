"""Move traffic from one colour to the other."""

from __future__ import annotations

import time

from switchyard.core import commands, edge, names
from switchyard.host.attempt import Attempt
from switchyard.host.steps import colour as colour_steps


def switch(attempt: Attempt, colour: str | None) -> None:
    """Traffic moves: the map file, the running map, read back. What began on the old colour may finish there."""
    assert colour is not None
    site = attempt.site()
    store = attempt.store
    leaving = site.live
    to = site.slot(colour).release if colour != "none" else None
    forward = attempt.verb == "deploy" and to == attempt.release
    if forward and leaving in names.COLOURS and any(route.affinity for route in attempt.routes):
        until = {site.slot(leaving).release or "none": int(time.time()) + attempt.app.drain}
        attempt.proxy.fill("drain", edge.drain_map(until))
    else:
        attempt.proxy.fill("drain", "")
    attempt.switched = True
    attempt.renew()
    attempt.carried.append(commands.shown(commands.live(colour), attempt.release))
    attempt.proxy.switch(colour)
    if to is not None:
        stamp = round(time.time(), 3)
        store.releases.update(
            to,
            state="live" if to == attempt.release else _state_of(attempt, to),
            since=stamp,
            colour=colour,
        )
        colour_steps.link(store.root, "current", colour)
    left = 0 if forward or leaving not in names.COLOURS else attempt.proxy.connections(leaving)
    attempt.emit("switched", colour=colour, release=to, was=leaving, left=left)


def _state_of(attempt: Attempt, release: str) -> str:
    record = attempt.store.releases.record(release)
    return record.state if record else "live"
