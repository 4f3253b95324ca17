"""``previews``: where this host answers for the previews of a colour that a person holds open."""

from __future__ import annotations

import time

from switchyard.core.wire.answers import Preview, Previews
from switchyard.core.wire.request import Request
from switchyard.host.adapters.proxy import Proxy
from switchyard.host.adapters.store import Store
from switchyard.host.previews import chosen


def previews(store: Store, request: Request) -> Previews:
    """Return the previews of the colour that the request names, with no address where nobody holds them open."""
    colour = chosen(Proxy(store), request.colour)
    until = store.held_previews().get(colour, 0)
    addresses = (store.held_addresses() or ()) if until > time.time() else ()
    ports = (Preview(address.public, store.preview_port(address, colour), address.mode) for address in addresses)
    return Previews(colour, until, tuple(ports))
