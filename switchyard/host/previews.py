"""The previews of a colour: closed, but while an attempt smokes or a person holds them open.

Whoever writes here holds the lease, so one program at a time fills the map.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from switchyard.core import edge, names
from switchyard.core.errors import Refused
from switchyard.core.site import NOTHING
from switchyard.host.adapters.proxy import Proxy
from switchyard.host.adapters.store import Store
from switchyard.host.attempt import Attempt

SMOKES_WITHIN = 900
"""Seconds after which the previews close where the program that opened them has died."""


def chosen(proxy: Proxy, colour: str | None) -> str:
    """Return the colour that a request names, also as the live one or the idle one."""
    live = proxy.target()
    if colour in names.COLOURS:
        return str(colour)
    if live == NOTHING:
        raise Refused("nothing is live here: name the colour with --colour blue or --colour green")
    return live if colour == "live" else names.other(live)


def hold(store: Store, proxy: Proxy, colour: str, until: int) -> None:
    """Open a colour's previews for a person until a second since the epoch; 0 closes them."""
    store.hold_preview(colour, until)
    settle(store, proxy)


def settle(store: Store, proxy: Proxy) -> None:
    """Close every preview that no person holds open."""
    proxy.fill("previews", edge.previews_map(store.held_previews()))


@contextlib.contextmanager
def opened(attempt: Attempt, colour: str) -> Iterator[None]:
    """Keep a colour's previews open meanwhile. An attempt that lost its lease leaves them to the time limit."""
    ends = attempt.store.held_previews()
    until = max(int(time.time()) + SMOKES_WITHIN, ends.get(colour, 0))
    attempt.proxy.fill("previews", edge.previews_map({**ends, colour: until}))
    try:
        yield
    finally:
        attempt.lease.guard()
        settle(attempt.store, attempt.proxy)
