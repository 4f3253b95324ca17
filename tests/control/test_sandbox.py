"""A sandbox host gets a free port and a free network, and forgetting it leaves what others wrote."""

from __future__ import annotations

import socket
from pathlib import Path

from switchyard.control import sandbox


def test_a_free_port_is_below_the_outgoing_ones_and_not_taken() -> None:
    with socket.socket() as holder:
        first = next(sandbox.free_ports("seed"))
        holder.bind(("127.0.0.1", first))
        holder.listen()
        second = next(sandbox.free_ports("seed"))
    assert first in sandbox.PORTS and second in sandbox.PORTS and first != second


def test_a_network_that_this_machine_routes_elsewhere_is_not_taken(tmp_path: Path) -> None:
    table = tmp_path / "route"
    table.write_text(
        "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
        "eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
        "tun0\t0000E70A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n"
    )
    assert [str(network) for network in sandbox.routed_networks(table)] == ["10.231.0.0/16"]


def test_forgetting_the_sandbox_leaves_what_others_wrote(tmp_path: Path) -> None:
    hosts = [sandbox.SandboxHost("sandbox1", "c1", "10.231.0.2", 20001, str(tmp_path / "keys" / "sandbox1"))]
    sandbox.write(tmp_path / "known_hosts", "[127.0.0.1]:20001 ssh-ed25519 A\n[127.0.0.1]:20002 ssh-ed25519 B\n")
    sandbox.write_entries(tmp_path, {"other": {"machines": []}})
    sandbox.write_state(tmp_path, hosts, 8080, {"name": "shop"})
    sandbox.write_state(tmp_path, hosts, None, None)
    entry = sandbox.read_entries(tmp_path)["sandbox1"]
    assert entry["url"] == "http://10.231.0.2:8080" and entry["app"] == {"name": "shop"}
    sandbox.forget(tmp_path)
    assert sandbox.read_entries(tmp_path) == {"other": {"machines": []}}
    assert (tmp_path / "known_hosts").read_text() == "[127.0.0.1]:20002 ssh-ed25519 B\n"
    assert sandbox.listed(tmp_path) == []
