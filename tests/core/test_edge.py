"""The edge's configuration, maps and document, as text and plain values."""

from __future__ import annotations

import itertools
import re

import pytest

from switchyard.core import edge
from switchyard.core.app import App, Check, Route
from switchyard.core.site import Site, Slot

WEB = Route("web", 8000, 80)
DASHBOARD = Route("dashboard", 8501, 8501, address="127.0.0.1", affinity=True)
QUEUE = Route("queue", 6379, 6379, mode="tcp")
ROUTES = (WEB, DASHBOARD, QUEUE)
COLOURS = ("blue", "green")
EACH = list(itertools.product(ROUTES, COLOURS))
BARE = dict.fromkeys(COLOURS, App("shop"))


def sections(app: App | None = None, **apps: App) -> dict[str, list[str]]:
    """Section heads of the configuration to their lines; a head that stands twice is an error."""
    each = {**dict.fromkeys(COLOURS, app or App("shop")), **apps}
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in edge.configuration(ROUTES, each).splitlines():
        if line and not line.startswith(" "):
            assert line not in found
            lines = found[line] = []
        elif line:
            lines.append(line.strip())
    return found


def test_there_is_a_section_for_everything_and_nothing_else() -> None:
    wanted = {"global", "defaults", "resolvers engine", "backend nothing_live", "backend nothing_live_tcp"}
    wanted |= {f"frontend {route.name}" for route in ROUTES}
    wanted |= {f"frontend preview_{route.name}_{colour}" for route, colour in EACH}
    wanted |= {f"backend {how}{route.name}_{colour}" for route, colour in EACH for how in ("", "unchecked_")}
    assert set(sections()) == wanted


def test_addresses_outlive_the_silence_of_the_engine_and_no_word_of_it() -> None:
    holds = dict(line.split()[1:] for line in sections()["resolvers engine"] if line.startswith("hold "))
    assert holds == {"valid": "200ms", "nx": "200ms", "obsolete": "200ms", "timeout": "24h"}
    assert "timeout retry 1s" in sections()["resolvers engine"], "an answer counts until the next question"


@pytest.mark.parametrize(("route", "colour"), EACH)
def test_each_route_has_a_backend_of_its_own_in_each_colour(route: Route, colour: str) -> None:
    lines = sections()[f"backend {route.name}_{colour}"]
    assert f"mode {route.mode}" in lines
    servers = [line for line in lines if line.startswith("server")]
    assert len(servers) == 1
    assert servers[0].startswith(f"server-template s 1-{edge.SERVERS} {route.service}-{colour}:{route.port} check ")
    assert not any({"blue": "green", "green": "blue"}[colour] in line for line in lines)


@pytest.mark.parametrize(("route", "colour"), EACH)
def test_where_no_container_of_the_live_colour_passes_its_check_it_is_asked_all_the_same(route, colour) -> None:
    found = sections(App("shop", checks={"web": Check(8000, "/health")}))
    lines, name = found[f"frontend {route.name}"], f"{route.name}_{colour}"
    assert f"acl {colour}_up nbsrv({name}) gt 0" in lines
    assert f"acl live_{colour} str(live),map(/etc/edge/maps/live.map,none) -m str {colour}" in lines
    rule = f"use_backend unchecked_{name} if live_{colour} !{colour}_up"
    assert lines.index(rule) < lines.index(f"use_backend {route.name}_%[str(live),map(/etc/edge/maps/live.map,none)]")
    checked, anyway = found[f"backend {name}"], found[f"backend unchecked_{name}"]
    asks = (" check inter 300ms fastinter 100ms fall 3 rise 1", "httpchk", "http-check")
    plain = [line.replace(asks[0], "") for line in checked if not any(word in line for word in asks[1:])]
    assert [line for line in anyway if line != "retries 0"] == plain != checked
    assert ("retries 0" in anyway) is (route.mode == "tcp"), "a closed port is told at once"


@pytest.mark.parametrize(("route", "colour"), EACH)
def test_a_preview_leads_to_its_colour_whatever_is_live(route: Route, colour: str) -> None:
    lines = sections()[f"frontend preview_{route.name}_{colour}"]
    assert f"bind :{edge.preview_inner_port(ROUTES.index(route), colour)}" in lines
    assert [line for line in lines if "backend" in line] == [f"default_backend {route.name}_{colour}"]
    assert "live.map" not in " ".join(lines)


@pytest.mark.parametrize("route", ROUTES)
def test_where_nothing_is_live_the_first_rule_says_so(route: Route) -> None:
    found = sections()
    lines = found[f"frontend {route.name}"]
    nothing = "nothing_live_tcp" if route.mode == "tcp" else "nothing_live"
    assert "acl nothing str(live),map(/etc/edge/maps/live.map,none) -m str none" in lines
    rules = [line for line in lines if line.startswith("use_backend")]
    assert rules[0] == f"use_backend {nothing} if nothing"
    assert rules[-1] == f"use_backend {route.name}_%[str(live),map(/etc/edge/maps/live.map,none)]"
    assert found["backend nothing_live"][0].startswith("http-request return status 503 ")
    assert found["backend nothing_live_tcp"] == ["mode tcp", "tcp-request content reject"]


def test_only_routes_with_affinity_set_and_read_a_cookie() -> None:
    with_cookie = {head for head, lines in sections().items() if "switchyard-" in " ".join(lines)}
    name = DASHBOARD.name
    backends = {f"backend {how}{name}_{colour}" for how in ("", "unchecked_") for colour in COLOURS}
    assert with_cookie == {f"frontend {name}", *backends}


def test_a_cookie_holds_only_while_its_release_drains_and_runs_and_never_for_a_page() -> None:
    rules = [line for line in sections()[f"frontend {DASHBOARD.name}"] if line.startswith("use_backend")]
    assert rules[1:3] == [
        f"use_backend {DASHBOARD.name}_{colour} if draining from_{colour} {colour}_up !loads_page" for colour in COLOURS
    ]


@pytest.mark.parametrize("colour", COLOURS)
def test_the_release_header_is_told_unless_switched_off(colour: str) -> None:
    header = f"http-response set-header X-Switchyard-Release %[str({colour}),map(/etc/edge/maps/releases.map,none)]"
    assert header in sections()[f"backend {WEB.name}_{colour}"]
    assert header not in sections()[f"backend {QUEUE.name}_{colour}"]
    assert header not in sections(app=App("shop", release_header=False))[f"backend {WEB.name}_{colour}"]


@pytest.mark.parametrize(
    ("check", "asked"),
    [(Check(8000, "/health"), True), (Check(8000), False), (Check(9000, "/health"), False), (None, False)],
)
def test_the_proxy_asks_the_path_of_a_check_only_at_the_route_s_own_port(check: Check | None, asked: bool) -> None:
    app = App("shop", checks={} if check is None else {"web": check})
    for colour in COLOURS:
        lines = sections(app)[f"backend {WEB.name}_{colour}"]
        assert any("meth GET uri /health ver HTTP/1.1 hdr Host" in line for line in lines) is asked
        assert any("httpchk" in line for line in lines) is asked


@pytest.mark.parametrize(("status", "passes"), [(401, "401"), (None, "200-399")])
def test_the_proxy_takes_the_status_that_the_check_takes(status: int | None, passes: str) -> None:
    check = Check(8000, "/health", status=status)
    assert f"http-check expect status {passes}" in sections(App("shop", checks={"web": check}))["backend web-8000_blue"]
    assert [code for code in (200, 302, 399, 401, 404, 503) if check.passes(code)] == (
        [401] if status else [200, 302, 399]
    )


@pytest.mark.parametrize(
    ("site", "blue", "green"),
    [
        (Site(), "R3", "R3"),
        (Site(blue=Slot("R1"), proxy="blue"), "R1", "R3"),
        (Site(blue=Slot("R1"), green=Slot("R2"), proxy="blue"), "R1", "R3"),
        (Site(blue=Slot("R1"), green=Slot("R2"), proxy="green"), "R3", "R2"),
        (Site(blue=Slot("R1"), green=Slot("R3"), proxy="blue"), "R1", "R3"),
        (Site(blue=Slot("R1"), green=Slot("R3"), proxy="green"), "R1", "R3"),
        (Site(green=Slot("R2"), map_file="green"), "R3", "R2"),
    ],
)
def test_a_release_gets_the_colour_that_it_will_hold_and_changes_nothing_of_the_other(
    site: Site, blue: str, green: str
) -> None:
    assert site.once_up("R3") == {"blue": blue, "green": green}


def test_each_colour_is_asked_as_its_own_release_wants_it() -> None:
    checked = App("shop", checks={"web": Check(8000, "/health")}, release_header=False)
    found, bare = sections(green=checked), sections()
    assert found["backend web-8000_blue"] == bare["backend web-8000_blue"]
    assert (
        found["backend web-8000_green"] == sections(checked)["backend web-8000_green"] != bare["backend web-8000_green"]
    )


def test_the_proxy_seeks_another_connection_and_repeats_no_request_that_was_sent() -> None:
    text = edge.configuration(ROUTES, BARE)
    assert "\n  option redispatch 1\n" in text
    assert "retry-on" not in text, "without it, what is tried again is the connection"


def test_every_port_inside_is_bound_once_also_with_many_routes() -> None:
    routes = tuple(Route(f"s{number}", 80, 8000 + number) for number in range(100))
    ports = re.findall(r"^  bind :(\d+)$", edge.configuration(routes, BARE), re.MULTILINE)
    assert len(ports) == len(set(ports)) == 300


def document(routes: tuple[Route, ...] = ROUTES) -> dict[str, object]:
    previews = {name: 20000 + number for number, name in enumerate(edge.preview_names(routes))}
    made = edge.document("shop", routes, previews, home="/srv/edge", user="0:0", image="sha256:abc")
    service = made["services"]["edge"]
    assert list(made["services"]) == ["edge"] and isinstance(service, dict)
    return {**service, "top": {key: made[key] for key in ("name", "networks")}}


def test_the_engine_answers_for_names_of_containers_and_asks_nobody_outside() -> None:
    assert document()["dns_opt"] == ["ndots:0"]


def test_the_document_publishes_each_route_at_its_own_address_and_previews_on_loopback_only() -> None:
    assert document()["ports"] == [
        "0.0.0.0:80:10000",
        "127.0.0.1:8501:10001",
        "0.0.0.0:6379:10002",
        "127.0.0.1:20000:11000",
        "127.0.0.1:20001:11001",
        "127.0.0.1:20002:11002",
        "127.0.0.1:20003:11003",
        "127.0.0.1:20004:11004",
        "127.0.0.1:20005:11005",
    ]


def test_what_the_document_publishes_is_what_the_configuration_binds() -> None:
    bound = set(re.findall(r"bind :(\d+)", edge.configuration(ROUTES, BARE)))
    ports = document()["ports"]
    assert isinstance(ports, list)
    assert {port.rsplit(":", 1)[1] for port in ports} == bound


def test_the_edge_joins_both_colours_networks_which_outlive_it() -> None:
    made = document()
    assert made["networks"] == ["blue", "green"]
    assert made["top"] == {
        "name": "shop-edge",
        "networks": {colour: {"name": f"shop-{colour}", "external": True} for colour in COLOURS},
    }


def test_the_edge_runs_the_pinned_image_as_the_owner_of_its_folder() -> None:
    made = document()
    assert (made["image"], made["pull_policy"], made["user"]) == ("sha256:abc", "never", "0:0")
    assert made["volumes"] == [f"/srv/edge/{name}:/etc/edge/{name}" for name in ("cfg", "maps", "run")]
    assert made["labels"] == {"switchyard.app": "shop", "switchyard.kind": "edge"}


def test_a_preview_without_a_port_is_an_error() -> None:
    with pytest.raises(KeyError):
        edge.document("shop", ROUTES, {"web-8000_blue": 1}, home="/srv/edge", user="0:0", image="i")


def test_maps_hold_one_row_a_key() -> None:
    assert edge.live_map("green") == "live green\n"
    assert edge.releases_map({"green": None, "blue": "R1"}) == "blue R1\ngreen none\n"
    assert edge.drain_map({"R2": 20, "R1": 10}) == "R1 10\nR2 20\n" and edge.drain_map({}) == ""
