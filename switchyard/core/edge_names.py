"""The edge's rules for routes of one public address that differ by name and path. Lines of HAProxy's configuration."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from switchyard.core.app import Route
from switchyard.core.errors import BadInput
from switchyard.core.haproxy import request_path, word
from switchyard.core.route_names import WILDCARD, in_order, is_named

NAME, PATH = "var(txn.name)", "var(txn.path)"
READ = [
    "  http-request set-var(txn.name) req.hdr(host),host_only,rtrim(.),lower",
    "  http-request set-var(txn.path) path,url_dec,concat(/)",
]
"""The lines that read the name and the path of a request, the path with a slash at its end."""
UNKNOWN_NAME, UNKNOWN_PATH = "unknown_name", "unknown_path"
BACKENDS = f"""backend {UNKNOWN_NAME}
  http-request return status 421 content-type text/plain string "No route has this name."

backend {UNKNOWN_PATH}
  http-request return status 404 content-type text/plain string "No route has this path."
"""
"""The backends that answer what no route takes."""


class Target(NamedTuple):
    """The containers of a colour that an address leads to."""

    backend: str
    colour: str
    has_affinity: bool
    is_chosen: bool
    """Whether the request decides between several of them."""

    @property
    def up(self) -> str:
        """The condition that one of them passes its check."""
        return f"{self.backend if self.is_chosen else self.colour}_up"

    @property
    def to(self) -> str:
        """The condition that a request is for them; empty where every one is."""
        return f" to_{self.backend}" if self.is_chosen else ""

    @property
    def definition(self) -> str:
        """The line that defines the condition that a request is for them."""
        name = self.backend.removesuffix(f"_{self.colour}")
        return f"  acl to_{self.backend} var(txn.{self.colour}) -m str {name}"

    @property
    def live_rules(self) -> list[str]:
        """The rules that lead to the colour while it is live.

        It gets requests even while none of its containers passes its check: a late answer is better than none, and
        only a proven release is live.
        """
        live = f"live_{self.colour}{self.to}"
        return [
            f"  use_backend unchecked_{self.backend} if {live} !{self.up}",
            f"  use_backend {self.backend} if {live}",
        ]


def require_alike(address: str, routes: Sequence[Route]) -> None:
    """Raise ``BadInput`` where one colour has names, paths or TLS at an address, and that excludes the other one."""
    is_unread = is_named(routes) and any(route.mode != "http" for route in routes)
    if is_unread or len({route.tls for route in routes}) > 1:
        what = "names or paths in one release and mode: tcp" if is_unread else "TLS in one release and without it"
        raise BadInput(
            f"the edge cannot hold {address} with {what} in the other, which may be needed again. Give the "
            "route another listen under app.routes"
        )


def choice(routes: Mapping[str, Sequence[Route]], targets: Iterable[Target]) -> list[str]:
    """Return the lines that read a request and choose its route in each colour, and those that tell the targets."""
    rules = [line for colour, each in routes.items() for line in chosen(each, colour)]
    return [*READ, *rules, *(target.definition for target in targets)]


def chosen(routes: Iterable[Route], colour: str) -> list[str]:
    """Return the lines that choose the route of a colour that takes a request. The last one that fits counts."""
    return [
        f"  http-request set-var(txn.{word(colour)}) str({_target(route)}){_if(_conditions(route))}"
        for route in reversed(in_order(routes))
    ]


def refusals(routes: Iterable[Route], colour: str) -> Iterator[str]:
    """Yield the lines that answer what no route of a live colour takes. They stand last."""
    names = sorted({route.host for route in routes})
    if "" not in names:
        for name in names:
            yield f"  acl known_{colour} {_name(name)}"
        yield f"  use_backend {UNKNOWN_NAME} if live_{colour} !known_{colour}"
    yield f"  use_backend {UNKNOWN_PATH} if live_{colour}"


def _target(route: Route) -> str:
    return f"to-{route.redirects:d}" if route.redirects else word(route.name)


def _conditions(route: Route) -> list[str]:
    names = [_name(route.host)] if route.host else []
    return [*names, *([f"{PATH} -m beg {request_path(route.path)}/"] if route.path else [])]


def _name(host: str) -> str:
    if host.startswith(WILDCARD):
        return f"{NAME},field(2,.,0) -m str {word(host.removeprefix(WILDCARD))}"
    return f"{NAME} -m str {word(host)}"


def _if(conditions: Iterable[str]) -> str:
    words = " ".join(f"{{ {condition} }}" for condition in conditions)
    return f" if {words}" if words else ""
