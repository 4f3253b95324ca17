"""Every name that Switchyard gives to something on a host."""

from __future__ import annotations

from collections.abc import Iterable

COLOURS = ("blue", "green")

APP = "switchyard.app"
RELEASE = "switchyard.release"
COLOUR = "switchyard.colour"
KIND = "switchyard.kind"
STANDIN = "switchyard.standin"
RESERVED = ".switchyard"
"""The end of each name by which an edge knows a service."""
LABEL_MOST, HOST_NAME_MOST = 63, 253
"""The characters of a name in DNS between two dots, and in all."""
BUILD_INPUTS = "x-build"
"""A key of a shared service that is built: a digest of what its build reads, by which a change of it shows."""
IMAGE = "x-switchyard-image"
"""The key of a shared service that keeps the name of the image which the compose file gives it."""


def other(colour: str) -> str:
    """Return the colour that ``colour`` is not."""
    return COLOURS[1 - COLOURS.index(colour)]


def project(app: str, part: str) -> str:
    """Return the Compose project of a part: ``shared``, ``edge``, ``build``, ``blue`` or ``green``."""
    return f"{app}-{part}"


def network(app: str, colour: str) -> str:
    """Return the network of one colour. Colours never share one."""
    return f"{app}-{colour}"


def alias(service: str, colour: str, app: str) -> str:
    """Return the name under which the edge knows a routed service. No service may take one of these names itself."""
    return f"{service}.{colour}.{app}{RESERVED}"


def former_alias(service: str, colour: str) -> str:
    """Return the name under which the edge of an older Switchyard, or on an older engine, knows a routed service."""
    return f"{service}-{colour}"


def aliases(service: str, colour: str, app: str) -> tuple[str, str]:
    """Return both names under which an edge may know a routed service."""
    return alias(service, colour, app), former_alias(service, colour)


def is_reserved(name: str) -> bool:
    """Return whether a name may be that of a service at an edge. The engine's DNS knows no upper case."""
    return name.lower().rstrip(".").endswith(RESERVED)


def is_host_name(name: str) -> bool:
    """Return whether DNS can ask for a name: its length, and that of each part between two dots."""
    return len(name) <= HOST_NAME_MOST and all(1 <= len(part) <= LABEL_MOST for part in name.split("."))


def volume(app: str, name: str) -> str:
    """Return the engine's name of a volume that Switchyard creates."""
    return f"{app}_{name}"


def owner_of_volume(name: str, app: str, others: Iterable[str]) -> str:
    """Return the application whose volumes are named as this new one of ``app`` would be: the longest name counts."""
    owners = [each for each in (app, *others) if name.startswith(volume(each, ""))]
    return max(owners, key=len, default=app)


def meet(app: str, other: str) -> bool:
    """Return whether containers of two applications could have one name: ``a`` with ``green-web``, and ``a-green``."""
    short, long = sorted((app, other), key=len)
    return any(f"{long}-".startswith(f"{project(short, part)}-") for part in (*COLOURS, "shared"))


TAGS = "switchyard/"
"""How the name of every image begins that Switchyard names."""


def tag(app: str, service: str, release: str) -> str:
    """Return the tag that keeps a pinned image from pruning."""
    return f"{TAGS}{app}/{service}:{release}"
