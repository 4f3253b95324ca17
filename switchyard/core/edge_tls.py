"""How the edge ends TLS: its certificates, and the lines of HAProxy's configuration for an address with TLS."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from switchyard.core.app import App, Route
from switchyard.core.haproxy import word
from switchyard.core.route_names import WILDCARD

LIST = "tls.crt-list"
"""The file in ``cfg`` that names each certificate with the name that it is for."""
FOLDER = "certs"
"""The folder in ``cfg`` that has them. Every edge mounts ``cfg``, those that an older Switchyard created too."""


def file_of(name: str) -> str:
    """Return the file of the certificate and key of a name."""
    return f"{word(f'_{name[1:]}' if name.startswith(WILDCARD) else name)}.pem"


def name_of(file: str) -> str:
    """Return the name whose certificate and key a file has."""
    name = file.removesuffix(".pem")
    return f"*{name[1:]}" if name.startswith("_") else name


def list_of(names: Iterable[str], home: str) -> str:
    """Return the list of the certificates of these names. A client that asks for no name of the list gets none."""
    return "".join(f"{row(name, home)}\n" for name in sorted(names))


def row(name: str, home: str) -> str:
    """Return the line of the list for a name."""
    wildcard = WILDCARD if name.startswith(WILDCARD) else ""
    return f"{path_of(name, home)} {wildcard}{word(name.removeprefix(wildcard))}"


def path_of(name: str, home: str) -> str:
    """Return the path of a certificate inside the edge's container, where ``home`` is its folder."""
    return f"{home}/cfg/{FOLDER}/{file_of(name)}"


def listener(home: str, apps: Iterable[App]) -> str:
    """Return the words that make an address one with TLS, for both colours."""
    return f" ssl crt-list {home}/cfg/{LIST} strict-sni alpn h2,http/1.1 ssl-min-ver TLSv{_least(apps)}"


def rules(apps: Mapping[str, App]) -> list[str]:
    """Return the lines of an address with TLS by what each colour's settings ask for."""
    lines = []
    for colour, app in apps.items():
        if app.tls.least != _least(apps.values()):
            lines.append(
                f"  http-request reject if live_{colour} !{{ ssl_fc_protocol -m str TLSv{word(app.tls.least)} }}"
            )
        if app.tls.hsts is not None:
            lines.append(
                f"  http-response set-header Strict-Transport-Security max-age={app.tls.hsts:d} "
                f"if {{ be_name -m end _{colour} }}"
            )
    return lines


def redirects(routes: Iterable[Route], colour: str) -> list[str]:
    """Return the lines that send the clients of a live colour on to TLS."""
    ports = sorted({route.redirects for route in routes if route.redirects})
    return [
        f"  http-request redirect code 308 prefix https://%[var(txn.name)]{'' if port == 443 else f':{port:d}'} "
        f"if live_{colour} {{ var(txn.{colour}) -m str to-{port:d} }}"
        for port in ports
    ]


def _least(apps: Iterable[App]) -> str:
    return word(min(app.tls.least for app in apps))
