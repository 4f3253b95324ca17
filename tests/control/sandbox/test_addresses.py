"""A sandbox host takes a port and a network that nobody else uses."""

from __future__ import annotations

import socket
from pathlib import Path

from switchyard.control.sandbox.addresses import PORTS, free_ports, routed_networks


def test_a_free_port_is_below_the_outgoing_ones_and_not_taken() -> None:
    with socket.socket() as holder:
        first = next(free_ports("seed"))
        holder.bind(("127.0.0.1", first))
        holder.listen()
        second = next(free_ports("seed"))
    assert first in PORTS and second in PORTS and first != second


def test_a_network_that_this_machine_routes_elsewhere_is_taken(tmp_path: Path) -> None:
    table = tmp_path / "route"
    table.write_text(
        "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
        "eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
        "tun0\t0000E70A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n"
    )
    assert [str(network) for network in routed_networks(table)] == ["10.231.0.0/16"]
