"""The public address: where it is, and what one look at it proves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from switchyard.control.prober import Prober
from switchyard.control.public_address import Address, address_to_look_at, look, public_address, url_of
from switchyard.core.app import App, Check, Route
from switchyard.settings import load
from switchyard.settings.model import Host
from tests.harness.certificates import Authority, authority, serves
from tests.harness.web_server import closed_address, run_until, serving

NAME = "shop.example"
NAMED = Route("web", 80, 8080, host="*.example")


def host(folder: Path, url: str = "", more: str = "") -> Host:
    entry = f"hosts:\n  prod:\n    machines: [{{name: prod1, address: 203.0.113.5}}{more}]\n"
    (folder / "invoke.yaml").write_text(entry + (f"    url: {url}\n" if url else ""))
    return load.host(folder, "prod")


@pytest.mark.parametrize(
    "url,route,expected",
    [
        ("https://shop.example", Route("web", 80, 8080), Address("shop.example", 443, "/health", secure=True)),
        ("http://shop.example:81/in", Route("web", 80, 8080), Address("shop.example", 81, "/in")),
        ("", Route("web", 80, 8080), Address("203.0.113.5", 8080, "/health")),
        ("", Route("web", 80, 8080, "127.0.0.1"), Address("127.0.0.1", 8080, "/health", forwarded=True)),
        ("", Route("web", 80, 8080, mode="tcp"), None),
        (
            "http://192.0.2.7",
            replace(NAMED, host="shop.example"),
            Address("192.0.2.7", 80, "/health", name="shop.example"),
        ),
        ("http://shop.example", NAMED, Address("shop.example", 80, "/health")),
        ("", NAMED, Address("203.0.113.5", 8080, "/health", name="www.example")),
    ],
    ids=["url", "url with port and path", "published", "loopback only: a forwarded channel", "no HTTP route"]
    + ["a bare address", "a wildcard takes it", "published for a name"],
)
def test_the_address_is_the_url_of_the_host_else_its_address_and_the_published_port(tmp_path, url, route, expected):
    entry = host(tmp_path, url)
    app = App("shop", checks={"web": Check(80, "/health")})
    assert public_address(entry, entry.setting.machines[0], [route], app) == expected


SEVERAL = ", {name: prod2, address: 203.0.113.6}"


@pytest.mark.parametrize(
    "url,more,bound,expected",
    [
        ("https://shop.example", "", "", Address("shop.example", 443, "/health", secure=True)),
        ("https://shop.example", SEVERAL, "", Address("127.0.0.1", 8080, "/health", forwarded=True)),
        ("https://shop.example", SEVERAL, "10.0.0.7", Address("10.0.0.7", 8080, "/health", forwarded=True)),
        ("", SEVERAL, "", Address("203.0.113.5", 8080, "/health")),
    ],
    ids=["one machine", "several behind one url", "several, on one address", "several without a url"],
)
def test_each_of_several_machines_is_looked_at_where_no_other_can_answer(tmp_path, url, more, bound, expected):
    entry = host(tmp_path, url, more)
    app = App("shop", checks={"web": Check(80, "/health")})
    assert address_to_look_at(entry, entry.setting.machines[0], [Route("web", 80, 8080, bound)], app) == expected


@pytest.mark.parametrize(
    "url,routes,expected",
    [
        ("https://shop.example/in", [], "https://shop.example/in"),
        ("", [Route("db", 5432, 5432, mode="tcp"), Route("web", 80, 8080)], "http://203.0.113.5:8080"),
        ("", [], None),
    ],
)
def test_status_tells_the_url_of_the_first_route(tmp_path, url, routes, expected):
    entry = host(tmp_path, url)
    assert url_of(entry, entry.setting.machines[0], routes) == expected


@pytest.mark.parametrize(
    "answer,verdict,why",
    [
        ({}, "ok", "answered 200 from R2"),
        ({"release": "R1"}, "wrong", "release R1 answers http"),
        ({"status": 500, "body": "broken inside"}, "wrong", "answered 500: broken inside"),
        ({"body": "goodbye"}, "wrong", "answered without 'hello'"),
        ({"release": None}, "unverified", "not through the edge of this application"),
    ],
)
def test_a_look_is_ok_only_for_a_right_answer_by_this_release(answer, verdict, why):
    app = App("shop", checks={"web": Check(80, "/health", body="hello")})
    with serving(**answer) as address:
        seen = look(address, None, app, "R2")
    assert seen.verdict == verdict and why in seen.why, seen


@pytest.mark.parametrize("status,verdict", [(401, "ok"), (200, "wrong")])
def test_a_look_and_the_probes_take_the_status_that_the_check_asks_for(tmp_path, status, verdict):
    entry, route = host(tmp_path), Route("web", 80, 8080)
    app = App("shop", checks={"web": Check(80, "/health", status=401)})
    public = public_address(entry, entry.setting.machines[0], [route], app)
    assert public is not None
    with serving(status=status) as at:
        address = replace(public, host=at.host, port=at.port)
        assert look(address, None, app, "R2")[0] == verdict
        probes = run_until(Prober(address, measuring=True), 3)
    assert (probes.failed == 0) is (verdict == "ok")


def test_what_cannot_be_reached_is_unverified_and_never_ok_or_wrong():
    verdict, why = look(closed_address(), None, App("shop"), "R2")
    assert verdict == "unverified" and "the control node cannot reach" in why
    assert look(None, None, App("shop"), "R2") == ("unverified", "the application has no HTTP route to look at")


@pytest.mark.parametrize("trusted", ["its authority", "itself"])
def test_a_look_verifies_the_name_by_the_certificate_that_was_shipped(tmp_path, trusted):
    tls = serves(tmp_path, NAME, authority())
    itself = (tmp_path / "served.pem").read_text().partition("-----BEGIN PRIVATE")[0]
    chain = authority().text if trusted == "its authority" else itself
    with serving(tls=tls) as at:
        address = replace(at, name=NAME, chain=chain)
        assert look(address, None, App("shop"), "R2").verdict == "ok"
        for wrong in (replace(address, name="other.example"), replace(address, chain=""), replace(address, chain="x")):
            assert look(wrong, None, App("shop"), "R2").verdict == "unverified", wrong
        other = replace(address, chain=Authority().text)
        assert "CERTIFICATE_VERIFY_FAILED" in look(other, None, App("shop"), "R2").why


def test_a_url_without_a_name_leads_to_the_route_at_its_port(tmp_path):
    entry = host(tmp_path, "https://192.0.2.7:8443")
    routes = [Route("web", 80, 8080), Route("web", 80, 8443, host=NAME, tls=True)]
    found = public_address(entry, entry.setting.machines[0], routes, App("shop"))
    assert found == Address("192.0.2.7", 8443, "/", secure=True, name=NAME)


def test_a_route_with_tls_is_looked_at_by_its_name_and_a_redirect_never(tmp_path):
    entry = host(tmp_path)
    routes = [Route("web", 80, 80, host=NAME, redirects=443), Route("web", 80, 443, host=NAME, tls=True)]
    found = public_address(entry, entry.setting.machines[0], routes, App("shop"))
    assert found == Address("203.0.113.5", 443, "/", secure=True, name=NAME)
    assert found.url == f"https://{NAME}:443/" and found.named == NAME
    assert replace(found, port=8443).named == f"{NAME}:8443"
