"""Which mode a route has where the settings do not say it, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from switchyard.core.app import Route

HTTP, TCP = "http", "tcp"
TLS = (443, 8443)
"""Ports of services that end TLS themselves. What they answer is no HTTP for the edge."""
PROTOCOLS: Mapping[int, str] = {
    **dict.fromkeys(TLS, "TLS"),
    **dict.fromkeys((21, 990), "FTP"),
    **dict.fromkeys((22, 2222), "SSH"),
    **dict.fromkeys((25, 465, 587), "SMTP"),
    **dict.fromkeys((53, 853), "DNS"),
    **dict.fromkeys((110, 995), "POP3"),
    **dict.fromkeys((143, 993), "IMAP"),
    **dict.fromkeys((139, 445), "SMB"),
    **dict.fromkeys((389, 636), "LDAP"),
    873: "rsync",
    **dict.fromkeys((1433, 1434), "SQL Server"),
    1521: "Oracle",
    **dict.fromkeys((1883, 8883), "MQTT"),
    1935: "RTMP",
    2049: "NFS",
    2181: "ZooKeeper",
    **dict.fromkeys((3306, 33060), "MySQL"),
    3389: "RDP",
    4222: "NATS",
    **dict.fromkeys((5222, 5269), "XMPP"),
    **dict.fromkeys((5432, 6432), "PostgreSQL"),
    **dict.fromkeys((5671, 5672), "AMQP"),
    5900: "VNC",
    **dict.fromkeys((6379, 6380), "Redis"),
    **dict.fromkeys((6667, 6697), "IRC"),
    7687: "Bolt",
    8554: "RTSP",
    9042: "CQL",
    **dict.fromkeys((9092, 9093), "Kafka"),
    9418: "git",
    11211: "memcached",
    25565: "Minecraft",
    **dict.fromkeys((27017, 27018), "MongoDB"),
    50051: "gRPC",
    61616: "OpenWire",
}
"""Port of a container to the protocol, other than HTTP, that services usually speak there."""
SPEAKS_HTTP = frozenset(("http", "http1", "http/1.1", "ws", "kubernetes.io/ws"))
"""The values of ``app_protocol`` that the edge can read. HTTP/2 without TLS, gRPC and TLS are no HTTP/1.1."""


def as_setting(routes: Iterable[Route], modes: Mapping[str, str]) -> str:
    """Return the setting that names these routes; ``modes`` has other modes, by the name of what they lead to."""
    lines = []
    for route in (route for route in routes if not route.redirects):
        mode = modes.get(route.name, route.mode)
        listen = f'"{route.public}"' if route.address else route.public
        entry = f"service: {route.service}, port: {route.port}, listen: {listen}, mode: {mode}"
        if mode == HTTP:
            host = f'"{route.host}"' if "*" in route.host else route.host
            more = {"host": host, "path": route.path, "tls": route.tls, "affinity": route.affinity}
            entry += "".join(f", {name}: {'true' if value is True else value}" for name, value in more.items() if value)
        lines.append(f"      - {{{entry}}}")
    return "\n".join(["  app:", "    routes:", *lines])


def are_http(routes: Iterable[Route]) -> bool:
    """Return whether the edge reads as HTTP what comes to an address that leads to these routes of the colours."""
    return all(route.mode == HTTP for route in routes)


class Mode(NamedTuple):
    """The mode of a route, with the reason in a few words."""

    mode: str
    why: str


def suggested(port: int, app_protocol: str = "") -> Mode:
    """Return the mode that a port of a container suggests; ``app_protocol`` is what the compose file says of it."""
    if app_protocol:
        return Mode(HTTP if app_protocol.lower() in SPEAKS_HTTP else TCP, f"its app_protocol is {app_protocol}")
    if port in PROTOCOLS:
        return Mode(TCP, f"port {port} usually speaks {PROTOCOLS[port]}")
    return Mode(HTTP, "the default")
