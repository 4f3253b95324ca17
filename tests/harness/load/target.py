"""Which addresses load may reach: this machine and its containers."""

from __future__ import annotations

import ipaddress
import struct
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

ROUTES = Path("/proc/net/route")


class TargetRefused(ValueError):
    """The address is neither loopback nor on a network of this machine's containers."""


def require_local(url: str, scheme: str) -> SplitResult:
    """Return the parts of a URL of this machine or of its containers. Raise ``TargetRefused`` for any other."""
    parts = urlsplit(url)
    if parts.scheme != scheme or parts.hostname is None:
        raise TargetRefused(f"{url}: not a {scheme}:// address")
    host = "127.0.0.1" if parts.hostname == "localhost" else parts.hostname
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise TargetRefused(f"{url}: give an address, not a name") from None
    if not address.is_loopback and not is_container(address, ROUTES):
        raise TargetRefused(f"{url}: neither loopback nor on a network of this machine's containers")
    return parts


def is_container(address: ipaddress.IPv4Address | ipaddress.IPv6Address, routes: Path) -> bool:
    """Return whether the address is private and lies on a bridge that Docker made on this machine."""
    if address.version != 4 or not address.is_private or not routes.exists():
        return False
    for route in routes.read_text().splitlines()[1:]:
        interface, destination, gateway, *others = route.split()
        is_bridge = interface.startswith(("docker", "br-")) and gateway == "00000000"
        if is_bridge and address in ipaddress.ip_network(f"{from_kernel(destination)}/{from_kernel(others[4])}"):
            return True
    return False


def from_kernel(number: str) -> ipaddress.IPv4Address:
    """Read an address as the kernel prints it: hexadecimal, in this machine's byte order."""
    return ipaddress.IPv4Address(struct.pack("=I", int(number, 16)))
