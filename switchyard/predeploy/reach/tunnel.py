"""Tunnels that the checks of a machine share."""

from __future__ import annotations

from pathlib import Path

from switchyard.control.tunnel import Tunnel
from switchyard.predeploy.engine.subject import Subject


def tunnel_to(subject: Subject, address: str, port: int, *, by_port: bool = False) -> Tunnel:
    """Open a tunnel that closes with the checks. Raise ``NotChecked`` if the server does not answer."""
    tunnel = Tunnel(subject.channel.connection, subject.machine, address, port, by_port=by_port)
    subject.closing.callback(tunnel.close)
    return tunnel


def socket_to(subject: Subject, address: str, port: int) -> Path:
    """Return the Unix socket of a tunnel that all checks share. libpq takes its folder and the port."""
    name = f"tunnel to {subject.machine} {address}:{port}"
    return subject.once(name, lambda: tunnel_to(subject, address, port)).path


def port_to(subject: Subject, address: str, port: int) -> int:
    """Return the port on loopback of a tunnel that all checks share."""
    name = f"tunnel by port to {subject.machine} {address}:{port}"
    return subject.once(name, lambda: tunnel_to(subject, address, port, by_port=True)).port
