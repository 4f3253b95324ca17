"""How the edge checks containers. Lines and words of HAProxy's configuration."""

from __future__ import annotations

from switchyard.core.app import Check
from switchyard.core.haproxy import request_path, word

OFTEN = 4
"""The most backends whose containers are all checked every 300 ms."""


def words(backends: int) -> str:
    """Return how often a container is checked, for an edge with this many backends.

    The more there are, the rarer each check is, so that an idle edge costs no more than about 0.5 % of a core. One that
    is down, or whose check just failed, is checked often in any case.
    """
    interval = 300 if backends <= OFTEN else min(150 * backends, 3000)
    return f"check inter {interval}ms downinter 300ms fastinter 100ms fall 3 rise 1 "


def request(check: Check) -> list[str]:
    """Return the lines by which a check requests a path, where it would else connect to the port alone."""
    return [
        "  option httpchk",
        f"  http-check send meth GET uri {request_path(check.path or '/')} ver HTTP/1.1 hdr Host localhost "
        "hdr Connection close",
        f"  http-check expect status {word(str(check.status or '200-399'))}",
    ]
