"""Load reaches this machine and its containers, and no other machine."""

from __future__ import annotations

import ipaddress
import struct
from pathlib import Path

import pytest

from tests.harness.load.http import Load
from tests.harness.load.target import TargetRefused, is_container, require_local


@pytest.mark.parametrize(
    "base",
    ["http://example.com", "http://1.1.1.1", "http://192.0.2.7:80", "https://127.0.0.1", "127.0.0.1:80", "http://"],
)
def test_another_machine_is_refused(base: str) -> None:
    with pytest.raises(TargetRefused):
        Load(base)


@pytest.mark.parametrize("base", ["http://localhost:8000", "http://127.0.0.2:8000", "http://[::1]:8000/app"])
def test_loopback_is_accepted(base: str) -> None:
    assert require_local(base, "http").geturl() == base


def test_only_addresses_on_a_bridge_of_docker_count_as_containers(tmp_path: Path) -> None:
    routes = tmp_path / "route"
    routes.write_text(
        "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
        + route("eth0", "0.0.0.0", "10.0.0.1", "0.0.0.0")
        + route("eth0", "10.0.0.0", "0.0.0.0", "255.255.255.0")
        + route("br-1234", "172.18.0.0", "0.0.0.0", "255.255.0.0")
    )
    containers = [
        address
        for address in ("172.18.0.5", "172.19.0.5", "10.0.0.9", "8.8.8.8", "::1")
        if is_container(ipaddress.ip_address(address), routes)
    ]
    assert containers == ["172.18.0.5"]


def route(name: str, destination: str, gateway: str, mask: str) -> str:
    numbers = [f"{struct.unpack('=I', ipaddress.IPv4Address(word).packed)[0]:08X}" for word in (destination, gateway)]
    masked = f"{struct.unpack('=I', ipaddress.IPv4Address(mask).packed)[0]:08X}"
    return "\t".join([name, *numbers, "0001", "0", "0", "0", masked, "0", "0", "0"]) + "\n"
