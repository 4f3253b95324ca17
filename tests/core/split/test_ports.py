"""Every form of ``ports`` that Compose accepts is a route, or is refused with the setting that resolves it.

Compose itself says what a form means: the cases follow the grammar of its specification, and each is resolved by it.
"""

from __future__ import annotations

import itertools
import json
import re
import subprocess

import pytest

from switchyard.core.app import App, RouteEntry
from switchyard.core.compose_document import Document
from switchyard.core.errors import BadInput
from switchyard.core.split import Split, split
from tests.harness.shop_documents import problems, split_web

ADDRESSES = {"": "", "0.0.0.0:": "0.0.0.0", "127.0.0.1:": "127.0.0.1", "[::1]:": "::1", "[::]:": "::"}
HOSTS = ("", "8080", "8080-8082", "0")
CONTAINERS = ("80", "80-82")
PROTOCOLS = ("", "/tcp", "/udp", "/TCP", "/sctp")
LONG = [
    {"target": 80, **published, **address, **protocol, **more}
    for published in ({}, {"published": 8080}, {"published": "8080"}, {"published": "8080-8082"}, {"published": "0"})
    for address in ({}, {"host_ip": "127.0.0.1"}, {"host_ip": "::1"}, {"host_ip": "[::1]"})
    for protocol in ({}, {"protocol": "tcp"}, {"protocol": "UDP"})
    for more in ({}, {"mode": "host", "name": "web", "app_protocol": "http"})
]


def short_forms() -> list[str]:
    """Return [[ADDRESS:]HOST:]CONTAINER[/PROTOCOL] in every combination that Compose accepts."""
    forms = []
    for address, host, container, protocol in itertools.product(ADDRESSES, HOSTS, CONTAINERS, PROTOCOLS):
        left = f"{address}{host}:" if host or address else ""
        if not (host in ("0", "8080") and container != "80"):  # a range needs one of the same length
            forms.append(f"{left}{container}{protocol}")
    return forms


FORMS = [*short_forms(), *LONG]


@pytest.fixture(scope="module")
def resolved(tmp_path_factory: pytest.TempPathFactory) -> list[list[dict[str, object]]]:
    """Every form as Compose resolves it, each a service of one file."""
    file = tmp_path_factory.mktemp("ports") / "compose.json"
    services = {f"s{index}": {"image": "web", "ports": [form]} for index, form in enumerate(FORMS)}
    file.write_text(json.dumps({"services": services}))
    argv = ["docker", "compose", "--file", str(file), "config", "--format", "json"]
    output = subprocess.run(argv, capture_output=True, check=True, timeout=60).stdout
    return [json.loads(output)["services"][f"s{index}"]["ports"] for index in range(len(FORMS))]


def attempt(ports: list[dict[str, object]], **settings: object) -> Split | str:
    document = Document.decode({"services": {"web": {"image": "web", "ports": ports}}})
    app = App("shop", **{"kinds": {"web": "routed"}, **settings})
    try:
        return split(document, app=app, release="R", root="/r", tracked=(), folder=".")
    except BadInput as error:
        return str(error)


def is_fixed_tcp(port: dict[str, object]) -> bool:
    return port["protocol"] == "tcp" and str(port.get("published", "0")) not in ("0", "8080-8082")


@pytest.mark.parametrize("index", range(len(FORMS)), ids=[f"form{index}" for index in range(len(FORMS))])
def test_each_form_is_carried_out_or_refused_with_a_setting_that_resolves_it(resolved, index):
    ports = resolved[index]
    result = attempt(ports)
    form = FORMS[index]
    if all(map(is_fixed_tcp, ports)):
        assert isinstance(result, Split), (form, result)
        assert [(route.port, str(route.listen), route.address) for route in result.routes] == [
            (port["target"], port["published"], str(port.get("host_ip", "")).strip("[]")) for port in ports
        ]
        return
    assert isinstance(result, str), form
    assert "service web: ports: " in result, (form, result)
    ignored = {
        word for words in re.findall(r"app\.ignored_ports\.web: \[(.*?)\]", result) for word in words.split(", ")
    }
    more = [*ports, {"target": 9999, "published": "9999", "protocol": "tcp"}]
    without = attempt(more, ignored_ports={"web": tuple(ignored)})
    assert isinstance(without, Split) and [route.port for route in without.routes] == [9999], without
    if "routes:" in result:
        entries = re.findall(r'- \{service: web, port: (\d+), listen: "?([^}"]+)"?\}', result)
        routes = tuple(RouteEntry("web", int(port), listen) for port, listen in entries)
        named = attempt(ports, routes=routes)
        assert isinstance(named, Split) and len(named.routes) == len(ports), named


@pytest.mark.parametrize("published", ["x", "90-80", "70000", "80-x", "-1"])
def test_what_compose_lets_through_and_the_engine_refuses_is_refused_too(published):
    message = attempt([{"target": 80, "published": published, "protocol": "tcp"}])
    assert isinstance(message, str) and f"{published}:80 is no address of a host" in message
    message = attempt([{"target": 80, "published": "80", "host_ip": "host", "protocol": "tcp"}])
    assert isinstance(message, str) and "host:80:80 is no address of a host" in message


def test_ports_and_replicas_that_cannot_be_carried_out_are_told_in_one_round():
    document = {"web": {"image": "web", "deploy": {"replicas": 10}, "ports": [{"target": 80, "protocol": "udp"}]}}
    with pytest.raises(BadInput) as caught:
        split_web({}, {"more": document["web"]}, kinds={"more": "routed"})
    message = str(caught.value)
    assert "deploy.replicas: 10" in message and "app.ignored_ports.more: [80/udp]" in message


def test_a_long_range_is_told_in_one_word():
    ports = [{"target": port, "published": str(port), "protocol": "udp"} for port in range(10000, 11001)]
    message = attempt(ports)
    assert isinstance(message, str) and "app.ignored_ports.web: [10000-11000/udp]" in message
    assert len(message.splitlines()) == 1


def test_more_routes_than_the_edge_can_hold_are_refused_and_may_be_left_out():
    ports = [{"target": port, "published": str(port), "protocol": "tcp"} for port in range(9000, 9101)]
    message = attempt(ports)
    assert isinstance(message, str) and "at most 100 routes, and these are 101" in message
    result = attempt(ports, ignored_ports={"web": ("9000-9050",)})
    assert isinstance(result, Split) and len(result.routes) == 50


@pytest.mark.parametrize("kind", ["plain", "handover", "oneshot"])
def test_a_port_of_a_service_that_no_edge_leads_to_is_ignored_by_a_setting(kind):
    worker = {"image": "worker", "ports": [{"target": 5555, "published": "5555", "protocol": "tcp"}]}
    with pytest.raises(BadInput, match=r"app\.ignored_ports\.worker: \[5555\]"):
        split_web({}, {"worker": worker}, kinds={"worker": kind})
    parts = split_web({}, {"worker": worker}, kinds={"worker": kind}, ignored_ports={"worker": ("5555",)})
    assert [route.service for route in parts.routes] == ["web"]


def test_a_port_of_a_shared_service_is_ignored_by_a_setting():
    cache = {"image": "redis", "ports": [{"target": port, "published": str(port)} for port in (6379, 6380)]}
    parts = split_web({}, {"cache": cache}, ignored_ports={"cache": ("6380",)})
    services: dict = parts.shared["services"]  # type: ignore[assignment]
    assert services["cache"]["ports"] == [{"target": 6379, "published": "6379"}]


@pytest.mark.parametrize(
    ("ignored", "message"),
    [
        ({"web": ("81",)}, "app.ignored_ports.web: 81 is no published port of the service: 80"),
        ({"web": ("80/udp",)}, "app.ignored_ports.web: 80/udp is no published port of the service: 80"),
        ({"none": ("80",)}, "app.ignored_ports.none: the compose file has no service of this name"),
    ],
)
def test_a_setting_that_ignores_nothing_is_a_slip(ignored, message):
    with pytest.raises(BadInput, match=re.escape(message)):
        split_web({}, ignored_ports=ignored)


def test_a_shared_service_and_a_route_cannot_publish_one_port():
    cache = {"image": "redis", "ports": [{"target": 6379, "published": "80"}]}
    with pytest.raises(BadInput, match="service web: listen 80 is already a route of cache"):
        split_web({}, {"cache": cache})


@pytest.mark.parametrize(("count", "serves"), [(0, False), (1, True), (8, True), (9, False), (10, False)])
@pytest.mark.parametrize("key", ["scale", "replicas"])
def test_more_containers_than_the_edge_reaches_are_refused_with_the_limit(count, serves, key):
    web = {"scale": count} if key == "scale" else {"deploy": {"replicas": count}}
    if serves:
        assert split_web(web).routes
        return
    message = problems({"web": web})
    assert f"service web: deploy.replicas: {count}: the edge reaches 1 to 8 containers of a routed service" in message


def test_a_plain_service_may_have_as_many_containers_as_it_asks_for():
    assert split_web({}, {"mail": {"image": "mail", "deploy": {"replicas": 10}}}, kinds={"mail": "plain"}).routes
