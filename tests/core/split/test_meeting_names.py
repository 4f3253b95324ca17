"""Names that two services, or two colours, answer to: refused or told, never silent."""

from __future__ import annotations

from typing import Any

import pytest

from switchyard.core.errors import BadInput
from tests.harness.shop_documents import split_web

NETWORKS = {"networks": {"front": None, "back": None}}


def on(**networks: list[str]) -> dict[str, Any]:
    return {"networks": {name: {"aliases": aliases} if aliases else None for name, aliases in networks.items()}}


@pytest.mark.parametrize("kind", ["plain", "handover", "shared", "oneshot"])
@pytest.mark.parametrize(
    "web,other",
    [
        (on(front=["data"]), on(back=["data"])),
        (on(front=["x"]), on(back=[])),
        (on(front=[]), on(back=["web"])),
        (on(front=["data"]), {**on(back=[]), "container_name": "data"}),
        (on(front=["data"], back=[]), on(front=[], back=["data"])),
    ],
)
def test_one_name_on_two_networks_is_refused(web, other, kind):
    with pytest.raises(BadInput, match=r"services web and x: both are called (data|x|web), on different networks"):
        split_web(web, {"x": {"image": "x", **other}}, top=NETWORKS, kinds={"x": kind})


@pytest.mark.parametrize("web,other", [(on(front=["data"]), on(front=["data"])), (on(front=["x"]), on(front=[]))])
def test_a_name_that_two_services_share_on_one_network_is_told(web, other):
    parts = split_web(web, {"x": {"image": "x", **other}}, top=NETWORKS, kinds={"x": "plain"})
    assert any(note.endswith("leads to either of web and x, as in the compose file") for note in parts.notes)


@pytest.mark.parametrize(
    "other",
    [
        {"web-blue": {}},
        {"Web-Blue": {}},
        {"x": on(default=["web-green"])},
        {"x": {"container_name": "web-blue"}},
        {"x": {"hostname": "web-green"}},
        {"web.blue.shop.switchyard": {}},
        {"x": on(default=["Web.Green.Shop.Switchyard"])},
        {"x": {"hostname": "web.blue.shop.switchyard"}},
    ],
)
@pytest.mark.parametrize("kind", ["plain", "shared"])
def test_the_edge_s_names_of_a_colour_are_reserved(other, kind):
    (name,) = other
    taken = rf"service {name}: {key_of(other[name])}(?i:web[.-](blue|green)\S*) is the name by which the edge knows one"
    with pytest.raises(BadInput, match=taken):
        split_web({}, {name: {"image": "x", **other[name]}}, kinds={name: kind})


@pytest.mark.parametrize(
    "other",
    [
        {"api.blue.shop.switchyard": {}},
        {"x": on(default=["web.blue.other.switchyard"])},
        {"x": {"container_name": "X.Switchyard"}},
        {"x": {"hostname": "x.switchyard."}},
    ],
)
def test_every_name_that_ends_like_one_of_the_edge_is_reserved(other):
    (name,) = other
    with pytest.raises(BadInput, match=rf"service {name}: {key_of(other[name])}\S+ is reserved: .* Give it another"):
        split_web({}, {name: {"image": "x", **other[name]}}, kinds={name: "plain"})
    split_web({}, {"x": {"image": "x", "hostname": "x.switchyard.example"}}, kinds={"x": "plain"})


def test_routed_services_whose_names_differ_only_in_upper_case_are_refused():
    routed = {"Web": {"image": "x", "ports": [{"target": 80, "published": "8081"}]}}
    with pytest.raises(BadInput, match="services web and Web: DNS knows no upper case"):
        split_web({}, routed, kinds={"Web": "routed"})


@pytest.mark.parametrize("name", ["a" * 58, "a..b", ".a", "a" * 57 + "." + "b" * 200])
def test_a_routed_service_whose_name_dns_cannot_ask_for_is_refused(name):
    routed = {name: {"image": "x", "ports": [{"target": 80, "published": "8081"}]}}
    with pytest.raises(BadInput, match=rf"service {name}: the edge would know it as \S+, .* shorter name") as refused:
        split_web({}, routed, kinds={name: "routed"})
    assert str(refused.value).count("would know it") == 1, "one sentence a service"
    split_web({}, {name: {"image": "x"}}, kinds={name: "plain"})
    split_web({}, {name[:57].strip(".").replace("..", "."): routed[name]}, kinds={})


def key_of(service: dict[str, Any]) -> str:
    """Return how a refusal names the key of a service by which it takes a name."""
    return "".join(f"{key}: " if key != "networks" else r"networks\.default\.aliases: " for key in service)


@pytest.mark.parametrize(
    "other",
    [{"edge": {}}, {"x": on(default=["Edge"])}, {"x": {"container_name": "edge"}}, {"x": {"hostname": "edge"}}],
)
def test_the_name_of_the_edge_is_reserved(other):
    (name,) = other
    with pytest.raises(
        BadInput, match=rf"service {name}: {key_of(other[name])}(E|e)dge is the edge's name in each colour's network"
    ):
        split_web({}, {name: {"image": "x", **other[name]}}, kinds={name: "plain"})


@pytest.mark.parametrize("kind", ["plain", "handover", "oneshot"])
@pytest.mark.parametrize("condition", ["service_started", "service_healthy", "service_completed_successfully"])
def test_a_shared_service_that_depends_on_a_colour_s_is_refused_or_told(condition, kind):
    others = {"db": {"image": "postgres", "depends_on": {"x": {"condition": condition}}}, "x": {"image": "x"}}
    if condition == "service_started":
        assert any("db is shared and refers to x" in note for note in split_web({}, others, kinds={"x": kind}).notes)
        return
    with pytest.raises(BadInput, match=r"service db: depends_on: x: .*app.kinds.x: shared or ignored, or app.kinds.db"):
        split_web({}, others, kinds={"x": kind})
    split_web({}, others, kinds={"x": "shared"})
    split_web({}, others, kinds={"x": "ignored"})


@pytest.mark.parametrize(
    "monitor,is_told",
    [
        ({"environment": {"TARGET": "http://web:8000/metrics"}}, True),
        ({"environment": {"TARGET": "web:8000"}}, True),
        ({"environment": {"UPSTREAM_HOST": "web"}}, True),
        ({"command": ["--targets=web:8000"]}, True),
        ({"environment": {"TARGET": "http://example.com/web:8000"}}, False),
        ({"environment": {"ROLE": "web"}}, False),
        ({"environment": {"TARGET": "http://my-web:8000"}}, False),
        ({"environment": {"TARGET": "http://db:8000"}}, False),
    ],
)
def test_a_name_that_leads_to_both_colours_is_told(monitor, is_told):
    parts = split_web({}, {"monitor": {"image": "m", **monitor}}, kinds={"monitor": "shared"})
    assert any("from it the name web leads to both colours" in note for note in parts.notes) is is_told


def test_what_is_ignored_is_told_and_its_names_are_free():
    other = {"web-blue": {"image": "x", "build": {"context": "../.."}, "network_mode": "host"}}
    parts = split_web({}, other, kinds={"web-blue": "ignored"})
    assert "web-blue is ignored (app.kinds.web-blue): no release runs it" in parts.notes
    assert list(parts.colours["blue"]["services"]) == ["web"]
