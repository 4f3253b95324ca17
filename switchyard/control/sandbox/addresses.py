"""Addresses that sandbox hosts can take on this machine: networks, ports and name servers."""

from __future__ import annotations

import hashlib
import ipaddress
import itertools
import socket
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

NETWORKS = ipaddress.IPv4Network("10.231.0.0/16")
NETWORK_BITS = 28
PORTS = range(20000, 30000)
"""Below the ports that outgoing connections take."""
CANDIDATES = 20

T = TypeVar("T")


def free_networks(seed: str) -> Iterator[ipaddress.IPv4Network]:
    """Yield a few networks that no route of this machine overlaps. The seed chooses where the search begins."""
    taken = list(routed_networks(Path("/proc/net/route")))
    networks = rotated(list(NETWORKS.subnets(new_prefix=NETWORK_BITS)), seed)
    free = (network for network in networks if not any(network.overlaps(other) for other in taken))
    yield from itertools.islice(free, CANDIDATES)


def routed_networks(table: Path) -> Iterator[ipaddress.IPv4Network]:
    """Yield the networks of this machine's routing table, without the default route."""
    if not table.is_file():
        return
    for line in table.read_text(encoding="utf-8").splitlines()[1:]:
        fields = line.split()
        target, mask = (int.from_bytes(bytes.fromhex(fields[at]), sys.byteorder) for at in (1, 7))
        if mask:
            yield ipaddress.IPv4Network((target, mask.bit_count()))


def free_ports(seed: str) -> Iterator[int]:
    """Yield a few ports on which nothing listens. The seed chooses where the search begins."""
    free = (port for port in rotated(PORTS, seed) if is_free(port))
    yield from itertools.islice(free, CANDIDATES)


def rotated(items: Sequence[T], seed: str) -> Iterator[T]:
    """Yield all items, from a place that depends on the seed alone."""
    start = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4], "big") % len(items)
    yield from items[start:]
    yield from items[:start]


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def name_servers() -> list[str]:
    """Return this machine's name servers that a container can reach: those behind systemd-resolved, not its own."""
    for path in (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf")):
        if path.is_file():
            lines = (line.split() for line in path.read_text(encoding="utf-8").splitlines())
            servers = [words[1] for words in lines if len(words) > 1 and words[0] == "nameserver"]
            reachable = [server for server in servers if not server.startswith("127.") and server != "::1"]
            if reachable:
                return reachable
    return []
