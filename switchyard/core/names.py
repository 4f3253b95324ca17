"""Every name that Switchyard gives to something on a host, in one place."""

from __future__ import annotations

COLOURS = ("blue", "green")

APP = "switchyard.app"
RELEASE = "switchyard.release"
COLOUR = "switchyard.colour"
KIND = "switchyard.kind"
STANDIN = "switchyard.standin"


def other(colour: str) -> str:
    """The colour that ``colour`` is not."""
    return COLOURS[1 - COLOURS.index(colour)]


def project(app: str, part: str) -> str:
    """The Compose project of a part: ``shared``, ``edge``, ``blue`` or ``green``."""
    return f"{app}-{part}"


def network(app: str, colour: str) -> str:
    """The external network of one colour; colours never share one."""
    return f"{app}-{colour}"


def alias(service: str, colour: str) -> str:
    """The only name under which the edge knows a routed service."""
    return f"{service}-{colour}"


def volume(app: str, name: str) -> str:
    """A stateful volume that Switchyard creates."""
    return f"{app}_{name}"


def tag(app: str, service: str, release: str) -> str:
    """The tag that keeps a pinned image from pruning."""
    return f"switchyard/{app}/{service}:{release}"
