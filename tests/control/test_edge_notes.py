"""What doctor says of an edge: a proxy in front, the host's firewall, limits per source, walls that are missing."""

from __future__ import annotations

from dataclasses import fields, replace

from switchyard.control.edge_notes import notes
from switchyard.core.app import App, Limits, Route
from switchyard.core.held_routes import held_for
from switchyard.core.wire.answers import DoctorAnswer, EdgePlace
from switchyard.core.wire.facts import Facts
from tests.harness.machine_answers import FACTS

GATEWAY = "172.19.0.1"
PLAIN = App("shop")
LIMITED = App("shop", limits=Limits(source_requests=5))


def said(app: App = PLAIN, address: str = "", **place: object) -> list[str]:
    facts = {field.name: getattr(FACTS, field.name) for field in fields(Facts)}
    facts["edge"] = held_for([Route("web", 80, 8080, address)], 1)
    answer = DoctorAnswer(
        **facts,
        compose="",
        git="",
        clock=0.0,
        plain=(),
        journal=(),
        place=EdgePlace(gateways=(GATEWAY,), **place),  # type: ignore[arg-type]
        networks_free=9,
    )
    return list(notes("prod", app, answer))


def test_an_edge_that_stands_alone_is_no_news() -> None:
    assert said() == []


def test_a_proxy_in_front_is_named_with_the_entry_that_lets_its_word_count() -> None:
    (told,) = said(address="127.0.0.1", in_front={"443": "nginx", "80": "nginx"})
    assert told.startswith("nginx holds port 443, nginx holds port 80.")
    assert told.endswith("hosts: {prod: {trusted_proxies: [172.19.0.1]}}")
    assert said(replace(PLAIN, trusted_proxies=("172.19.0.1/32",)), "127.0.0.1", in_front={"80": "caddy"}) == []


def test_who_else_arrives_by_the_proxy_s_address_is_told_before_it_is_trusted() -> None:
    _, told = said(in_front={"80": "container proxy"})
    assert told.startswith("others reach 8080 by that address too") and '"127.0.0.1:PORT"' in told


def test_an_address_that_bypasses_the_firewall_is_told_and_one_that_only_root_could_judge_is_unknown() -> None:
    for firewall in ("ufw", "firewalld"):
        (told,) = said(firewall=firewall)
        assert told.startswith(f"{firewall} does not guard 8080: Docker forwards")
    (told,) = said(firewall="nftables")
    assert told.startswith("whether nftables guards 8080 is unknown")
    assert said(address="127.0.0.1", firewall="ufw") == said(address="::1", firewall="ufw") == []


def test_limits_per_source_are_told_where_they_are_off_and_where_they_take_many_clients_for_one() -> None:
    (off,) = said(LIMITED, sources=("203.0.113.7",))
    assert "1 addresses are connected now" in off and "hosts: {prod: {real_addresses: true}}" in off
    (shared,) = said(LIMITED, sources=("203.0.113.7", GATEWAY))
    assert f"some clients share the address {GATEWAY}" in shared
    proven = replace(LIMITED, real_addresses=True)
    assert said(proven, sources=("203.0.113.7",)) == []
    (wrong,) = said(proven, sources=(GATEWAY,))
    assert "Remove hosts.prod.real_addresses" in wrong


def test_walls_that_are_missing_are_told_with_the_verb_that_builds_them() -> None:
    (told,) = said(lacks=("read_only", "cap_drop"))
    assert told.startswith("the edge is not hardened (read_only, cap_drop). inv edge.apply --host prod")
