"""What stands around the edge of this host, as far as the SSH user sees it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

from switchyard.core.errors import NotChecked
from switchyard.core.wire.answers import EdgePlace
from switchyard.host import edge_container
from switchyard.host.adapters.files import read_text
from switchyard.host.adapters.proxy import Proxy
from switchyard.host.adapters.store import Store
from switchyard.host.edge_configuration import place, published_document
from switchyard.host.neighbours import listening

WEB = ("80", "443")
SERVERS = ("nginx", "caddy", "apache2", "httpd", "traefik", "lighttpd", "envoy", "haproxy")
"""Programs that hold the ports of the web, by what the kernel calls them."""
WANTED = Path("/etc/systemd/system/multi-user.target.wants")
UFW = Path("/etc/ufw/ufw.conf")
PROC = Path("/proc")


def edge_place(store: Store, app: str) -> EdgePlace:
    """Return what stands around the edge."""
    return EdgePlace(
        edge_container.lacks(store, app),
        tuple(subnet.gateway for subnet in place(app, published_document(store)).subnets if subnet.gateway),
        _sources(store),
        dict(_in_front()),
        firewall(),
    )


def _sources(store: Store) -> tuple[str, ...]:
    """Return the addresses of the clients of every route, previews apart; none while the edge does not run."""
    with contextlib.suppress(NotChecked):
        return sources_of(Proxy(store).say("show sess"))
    return ()


def sources_of(sessions: str) -> tuple[str, ...]:
    """Return the addresses in what HAProxy tells of its sessions."""
    sources = re.findall(r" src=(\S+):\d+ fe=(?!GLOBAL|preview_)\S+", sessions)
    return tuple(dict.fromkeys(sources))


def _in_front() -> Iterator[tuple[str, str]]:
    """Yield the ports of the web that another program holds, and what that seems to be. No edge is in front of one."""
    holders = listening()
    for port in WEB:
        holder = holders.get(port, "")
        if holder.startswith("container "):
            yield port, holder
        elif holder and not holder.endswith("'s edge"):
            yield port, " or ".join(sorted(_running_servers())) or holder


def _running_servers() -> set[str]:
    """Return the web servers that run here. Whose socket it is, the kernel tells only root."""
    commands = {(read_text(path) or "").strip() for path in PROC.glob("[0-9]*/comm")}
    return commands & set(SERVERS)


def firewall() -> str:
    """Return the firewall that is switched on: by the files that everybody may read. Empty where none says so.

    Rules that somebody set by hand are root's to see.
    """
    with contextlib.suppress(OSError):
        if re.search(r"^ENABLED=yes$", UFW.read_text(), re.MULTILINE | re.IGNORECASE):
            return "ufw"
    return next((name for name in ("firewalld", "nftables") if (WANTED / f"{name}.service").exists()), "")
