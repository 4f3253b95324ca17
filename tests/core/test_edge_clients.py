"""What clients may say and do, as rules of the edge. ``tests/e2e/test_clients.py`` tries them on a real edge."""

from __future__ import annotations

import pytest

from switchyard.core import edge_clients
from switchyard.core.app import App, Limits, Route
from switchyard.core.errors import BadInput

ADDRESS = Route("web", 8000, 443)
BALANCED = App("shop", trusted_proxies=("10.0.0.0/8", "fd00::/8"), proxy_protocol=("443",))
LIMITED = Limits(source_requests=20, source_connections=50)


def frontend(*apps: App, is_http: bool = True) -> list[str]:
    colours = dict(zip(("blue", "green"), apps, strict=True))
    return [line.strip() for line in edge_clients.frontend(ADDRESS, colours, is_http=is_http)]


def backend(app: App) -> list[str]:
    return [line.strip() for line in edge_clients.backend(app)]


def test_nobody_s_word_counts_unless_the_host_s_entry_says_so() -> None:
    lines = backend(App("shop"))
    assert not any("trusted" in line for line in lines)
    assert f"http-request del-header {edge_clients.CLAIMS} -m reg" in lines
    trusting = backend(BALANCED)
    assert trusting.count("acl trusted src 10.0.0.0/8") == trusting.count("acl trusted src fd00::/8") == 1
    assert f"http-request del-header {edge_clients.CLAIMS} -m reg unless trusted" in trusting
    assert f"http-request del-header {edge_clients.ALIASED} -m reg" in trusting, "a proxy hands these on unseen"


def test_a_claim_is_dropped_before_anything_is_set() -> None:
    for app in (App("shop"), BALANCED):
        lines = backend(app)
        dropped = [number for number, line in enumerate(lines) if "del-header" in line]
        told = [number for number, line in enumerate(lines) if "set-header" in line or "add-header" in line]
        assert max(dropped) < min(told)


def test_the_proxy_protocol_counts_at_its_address_from_trusted_proxies_while_its_release_is_live() -> None:
    lines = frontend(BALANCED, App("shop"))
    assert [line for line in lines if "expect-proxy" in line] == [
        "tcp-request connection expect-proxy layer4 if live_blue trusted_blue"
    ]
    assert not any("trusted_green" in line for line in lines)
    elsewhere = App("shop", trusted_proxies=("10.0.0.0/8",), proxy_protocol=("127.0.0.1:443", "80"))
    untrusted = App("shop", proxy_protocol=("443",))
    for app in (elsewhere, untrusted):
        assert not any("expect-proxy" in line for line in frontend(app, app))


@pytest.mark.parametrize("listen", ["443", "0.0.0.0:443"])
def test_an_address_is_the_same_in_both_spellings(listen: str) -> None:
    app = App("shop", trusted_proxies=("10.0.0.0/8",), proxy_protocol=(listen,))
    assert edge_clients.speaks_proxy_protocol(app, ADDRESS)
    assert list(edge_clients.unknown_addresses(app, [ADDRESS])) == []


def test_an_address_that_no_route_has_is_told_with_those_that_are() -> None:
    app = App("shop", trusted_proxies=("10.0.0.0/8",), proxy_protocol=("8443",))
    assert list(edge_clients.unknown_addresses(app, [ADDRESS])) == [
        "hosts.NAME.proxy_protocol: 8443: no route has this address. They are 0.0.0.0:443"
    ]


def test_limits_of_a_source_are_off_until_addresses_are_proven() -> None:
    unproven, proven = App("shop", limits=LIMITED), App("shop", limits=LIMITED, real_addresses=True)
    words = ("track-sc", "429", "sc_conn")
    assert not any(word in line for line in (*backend(unproven), *frontend(unproven, unproven)) for word in words)
    assert edge_clients.tables([unproven, App("shop")]) == []
    assert len(edge_clients.tables([unproven, proven])) == 2
    lines = backend(proven)
    assert any(line.endswith("if { sc_conn_cur(1) gt 20 }") for line in lines)
    assert any(line.endswith("if { sc_conn_rate(2,source_connections) gt 50 }") for line in lines)
    assert "tcp-request session track-sc2 src table source_connections if live_blue" in frontend(proven, unproven)
    assert not any("live_green" in line for line in frontend(proven, unproven))


def test_what_is_too_much_is_refused_before_a_body_is_awaited() -> None:
    lines = backend(App("shop", limits=Limits(body_within=5, header_bytes=2048, body_bytes=4096)))
    assert lines[-1] == "http-request wait-for-body time 5s at-least 16384"
    assert any(" 431 " in line and line.endswith("{ req.hdrs,length gt 2048 }") for line in lines)
    assert any(" 413 " in line and line.endswith("{ req.body_size gt 4096 }") for line in lines)
    unlimited = backend(App("shop", limits=Limits(body_within=0, body_bytes=0)))
    assert not any("wait-for-body" in line or " 413 " in line for line in unlimited)


def test_headers_get_the_time_of_the_more_patient_colour() -> None:
    apps = (App("shop", limits=Limits(headers_within=5)), App("shop", limits=Limits(headers_within=9)))
    assert "timeout http-request 9s" in frontend(*apps)
    assert not any("timeout" in line for line in frontend(*apps, is_http=False))


@pytest.mark.parametrize("network", ["10.0.0.0/8\nbind :1", "10.0.0.0/8 #", "10.0.0.0/8 192.0.2.1", "a/b/c", "/"])
def test_a_network_is_one_word(network: str) -> None:
    with pytest.raises(BadInput):
        backend(App("shop", trusted_proxies=(network,)))
