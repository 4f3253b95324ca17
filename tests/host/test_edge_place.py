"""What the SSH user sees around the edge, without root."""

from __future__ import annotations

import pytest

from switchyard.host import edge_place as module
from switchyard.host.edge_place import firewall, sources_of

SESSIONS = """
0x7f1: proto=tcpv4 src=203.0.113.7:4711 fe=0.0.0.0:80 be=web-8000_blue srv=s1 ts=00 age=1s
0x7f2: proto=tcpv4 src=172.19.0.1:4712 fe=0.0.0.0:80 be=<NONE> srv=<none> ts=00 age=1s
0x7f3: proto=tcpv4 src=172.19.0.9:4713 fe=preview_0.0.0.0:80_blue be=web-8000_blue srv=s1
0x7f4: proto=tcpv6 src=2001:db8::7:4714 fe=0.0.0.0:80 be=web-8000_blue srv=s1
0x7f5: proto=tcpv4 src=203.0.113.7:4715 fe=0.0.0.0:80 be=web-8000_blue srv=s1
0x7f6: proto=unix_stream src=unix:1 fe=GLOBAL be=<NONE> srv=<none>
"""


def test_sources_are_the_clients_of_routes_each_once() -> None:
    assert sources_of(SESSIONS) == ("203.0.113.7", "172.19.0.1", "2001:db8::7")
    assert sources_of("") == ()


@pytest.mark.parametrize(
    ("ufw", "units", "seen"),
    [
        ("ENABLED=yes\n", [], "ufw"),
        ("# ENABLED=yes\nENABLED=no\n", [], ""),
        ("ENABLED=no\n", ["nftables"], "nftables"),
        (None, ["firewalld"], "firewalld"),
        (None, ["ssh"], ""),
    ],
)
def test_a_firewall_is_one_that_files_of_everybody_say_is_on(tmp_path, monkeypatch, ufw, units, seen) -> None:
    monkeypatch.setattr(module, "UFW", tmp_path / "ufw.conf")
    monkeypatch.setattr(module, "WANTED", tmp_path)
    if ufw is not None:
        (tmp_path / "ufw.conf").write_text(ufw)
    for unit in units:
        (tmp_path / f"{unit}.service").touch()
    assert firewall() == seen


@pytest.mark.parametrize(
    ("holders", "running", "seen"),
    [
        ({"80": "a process of this host", "22": "a process of this host"}, ["nginx", "sshd"], {"80": "nginx"}),
        ({"443": "a process of this host"}, ["sshd"], {"443": "a process of this host"}),
        ({"80": "container proxy"}, ["nginx"], {"80": "container proxy"}),
        ({"80": "shop's edge", "443": "other's edge"}, ["haproxy"], {}),
        ({"8080": "a process of this host"}, ["caddy"], {}),
    ],
)
def test_what_holds_the_ports_of_the_web_is_in_front(tmp_path, monkeypatch, holders, running, seen) -> None:
    for number, name in enumerate(running):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "comm").write_text(f"{name}\n")
    monkeypatch.setattr(module, "PROC", tmp_path)
    monkeypatch.setattr(module, "listening", lambda: holders)
    assert dict(module._in_front()) == seen
