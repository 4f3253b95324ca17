"""What an edge counted of its users' traffic."""

from collections.abc import Mapping
from dataclasses import field

from switchyard.core.wire.message import Message, key, message
from switchyard.core.wire.terms import Colour, Count, Mode, Seconds


@message(frozen=True)
class RouteTraffic(Message):
    """What reached one release through one public address. Probes of ours are not among it."""

    address: str
    leads: str
    """The service and port that it leads to."""
    colour: Colour
    release: str
    mode: Mode
    requests: Count
    """Requests; in TCP mode connections."""
    errors: Count
    """Answers 500 and above by the application."""
    failed: Count
    """Answers that the edge made instead of the application; in TCP mode connections that did not reach it."""
    active: Count
    """Requests, or connections in TCP mode, that are open now."""
    received: Count
    """Bytes from clients."""
    sent: Count
    """Bytes to clients."""
    latency: Mapping[str, Count] = field(default_factory=dict, metadata=key(omitted=True))
    """Upper bound in seconds to the answers that took no longer, and longer than the bound below; ``over`` for the
    rest. Websockets, events and long polls are not among them."""
    websockets: Count = field(default=0, metadata=key(omitted=True))
    open_websockets: Count = field(default=0, metadata=key(omitted=True))
    events: Count = field(default=0, metadata=key(omitted=True))
    """Answers of server-sent events."""
    polls: Count = field(default=0, metadata=key(omitted=True))
    """Answers to long polls."""


@message(frozen=True)
class AddressTraffic(Message):
    """What came to a public address, whatever it led to."""

    address: str
    connections: Count
    active: Count
    """Connections of clients that are open now."""
    refused: Count
    """Requests that the edge refused before they had a colour: malformed, too slow, or against a rule."""


@message(frozen=True)
class LiveTraffic(Message):
    """What the live release does now."""

    seconds: Seconds
    """How long the figures look back: to its switch, but five minutes at most, and not before a reload of the edge."""
    requests: Count
    failed: Count
    """Answers 500 and above, by the application or by the edge."""
    rate: float
    """Requests in a second."""
    timed: Count
    """Answers whose time counts."""
    p95: Seconds | None
    """The bound that 95 % of these took no longer than; null where none is timed, or where that is above 30 s."""
    websockets: Count
    """Open now."""
    connections: Count
    """Connections in TCP mode."""
    unconnected: Count
    """Those that did not reach the application."""


@message(frozen=True)
class Traffic(Message):
    """What the edge counted since it started."""

    since: Seconds
    """When it began to count, in seconds since the epoch: a restart begins anew, a reload does not."""
    live: LiveTraffic | None
    routes: tuple[RouteTraffic, ...]
    addresses: tuple[AddressTraffic, ...]
