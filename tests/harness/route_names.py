"""Routes at one address that differ by name and path, each to a port of its own, and requests for all of them."""

from __future__ import annotations

import itertools

from switchyard.core.app import Route

HOSTS = ("", "a.example.com", "*.example.com")
TOPS = ("", "/api", "/api/v1")
IDENTITIES = list(itertools.product(HOSTS, TOPS))
NAMES = ("a.example.com", "b.example.com", "a.b.example.com", "example.com", "other")
PATHS = ("/", "/api", "/api/", "/api?x=1", "/apix", "/api/v1", "/api/v1/x", "/api/v10", "/x/api")
REQUESTS = list(itertools.product(NAMES, PATHS))
"""Name and path of each request."""


def route(host: str, path: str = "") -> Route:
    """Return the route of a name and a path, which leads to a port of its own."""
    return Route("s", 1 + IDENTITIES.index((host, path)), 80, host=host, path=path)


ROUTES = tuple(itertools.starmap(route, IDENTITIES))
