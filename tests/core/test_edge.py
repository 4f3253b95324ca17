"""The edge's configuration, maps and document, as text and plain values."""

from __future__ import annotations

import itertools
import re

import pytest

from switchyard.core import edge, edge_checks, edge_container
from switchyard.core.app import App, Check, Route
from switchyard.core.edge import ColourRoutes, Place
from switchyard.core.edge_clients import Subnet
from switchyard.core.held_routes import HeldRoute, held_for, leads
from switchyard.core.site import Site, Slot

WEB = Route("web", 8000, 80)
DASHBOARD = Route("dashboard", 8501, 8501, address="127.0.0.1", affinity=True)
QUEUE = Route("queue", 6379, 6379, mode="tcp")
ROUTES = (WEB, DASHBOARD, QUEUE)
COLOURS = ("blue", "green")
HELD = held_for(ROUTES, 1)
ADDRESS = {route: edge.address_name(route) for route in ROUTES}
EACH = list(itertools.product(ROUTES, COLOURS))
PLACE = Place(asks_nobody=False)
ALONE = tuple((route,) for route in ROUTES)
"""Where each address leads that has one route."""
BARE = dict.fromkeys(COLOURS, ColourRoutes(App("shop"), ALONE))


def sections(app: App | None = None, **apps: App) -> dict[str, list[str]]:
    """Return the sections of three routes that are the same in both colours."""
    each = {**dict.fromkeys(COLOURS, app or App("shop")), **apps}
    return sections_of(HELD, {colour: ColourRoutes(its, ALONE) for colour, its in each.items()})


def sections_of(
    addresses: tuple[HeldRoute, ...], colours: dict[str, ColourRoutes], place: Place = PLACE
) -> dict[str, list[str]]:
    """Section heads of the configuration to their lines; a head that stands twice is an error."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in edge.configuration(addresses, colours, place).splitlines():
        if line and not line.startswith(" "):
            assert line not in found
            lines = found[line] = []
        elif line:
            lines.append(line.strip())
    return found


def test_there_is_a_section_for_everything_and_nothing_else() -> None:
    wanted = {
        "global",
        "defaults",
        "peers edge",
        "resolvers engine",
        "backend nothing_live",
        "backend nothing_live_tcp",
    }
    wanted |= {f"frontend {name}" for name in ADDRESS.values()}
    wanted |= {f"frontend preview_{ADDRESS[route]}_{colour}" for route, colour in EACH}
    wanted |= {f"backend {how}{route.name}_{colour}" for route, colour in EACH for how in ("", "unchecked_")}
    assert set(sections()) == wanted


def test_addresses_outlive_the_silence_of_the_engine_and_no_word_of_it() -> None:
    holds = dict(line.split()[1:] for line in sections()["resolvers engine"] if line.startswith("hold "))
    assert holds == {**dict.fromkeys(("valid", "nx", "other", "refused", "obsolete"), "200ms"), "timeout": "24h"}
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
    lines, name = found[f"frontend {ADDRESS[route]}"], f"{route.name}_{colour}"
    assert f"acl {colour}_up nbsrv({name}) gt 0" in lines
    assert f"acl live_{colour} str(live),map(/etc/edge/maps/live.map,none) -m str {colour}" in lines
    rule = f"use_backend unchecked_{name} if live_{colour} !{colour}_up"
    assert lines.index(rule) < lines.index(f"use_backend {name} if live_{colour}")
    checked, anyway = found[f"backend {name}"], found[f"backend unchecked_{name}"]
    asks = (f" {edge_checks.words(6).strip()}", "httpchk", "http-check")
    plain = [line.replace(asks[0], "") for line in checked if not any(word in line for word in asks[1:])]
    assert [line for line in anyway if line != "retries 0"] == plain != checked
    assert ("retries 0" in anyway) is (route.mode == "tcp"), "a closed port is told at once"


@pytest.mark.parametrize(("route", "colour"), EACH)
def test_a_preview_leads_to_its_colour_whatever_is_live(route: Route, colour: str) -> None:
    lines = sections()[f"frontend preview_{ADDRESS[route]}_{colour}"]
    assert f"bind :{edge.preview_inner_port(ROUTES.index(route), colour)}" in lines
    assert [line for line in lines if "backend" in line] == [f"default_backend {route.name}_{colour}"]
    assert "live.map" not in " ".join(lines)


@pytest.mark.parametrize(("route", "colour"), EACH)
def test_a_preview_refuses_each_connection_and_each_request_while_it_is_closed(route: Route, colour: str) -> None:
    lines = sections()[f"frontend preview_{ADDRESS[route]}_{colour}"]
    for each in ("tcp-request connection", *(["http-request"] if route.mode == "http" else [])):
        rule = lines.index(f"{each} reject unless {{ var(sess.left) -m int gt 0 }}")
        assert lines[rule - 2 : rule] == [
            f"{each} set-var(sess.until) str({colour}),map_str_int(/etc/edge/maps/previews.map,0)",
            f"{each} set-var(sess.left) date(),neg,add(sess.until)",
        ]
    assert sum("reject unless" in line for line in lines) == (2 if route.mode == "http" else 1)
    assert not any("previews.map" in line for line in sections()[f"frontend {ADDRESS[route]}"])


@pytest.mark.parametrize("route", ROUTES)
def test_where_nothing_is_live_the_first_rule_says_so(route: Route) -> None:
    found = sections()
    lines = found[f"frontend {ADDRESS[route]}"]
    nothing = "nothing_live_tcp" if route.mode == "tcp" else "nothing_live"
    assert "acl nothing str(live),map(/etc/edge/maps/live.map,none) -m str none" in lines
    rules = [line for line in lines if line.startswith("use_backend")]
    assert rules[0] == f"use_backend {nothing} if nothing"
    assert rules[-1] == f"use_backend {route.name}_green if live_green"
    assert found["backend nothing_live"][0].startswith("http-request return status 503 ")
    assert found["backend nothing_live_tcp"] == ["mode tcp", "tcp-request content reject"]


def test_only_routes_with_affinity_set_and_read_a_cookie() -> None:
    with_cookie = {head for head, lines in sections().items() if "switchyard-" in " ".join(lines)}
    assert with_cookie == {f"frontend {ADDRESS[DASHBOARD]}"}
    lines = sections()[f"frontend {ADDRESS[DASHBOARD]}"]
    for colour in COLOURS:
        (cookie,) = [line for line in lines if line.startswith("http-response") and f"={colour}:" in line]
        assert cookie.endswith(f"if {{ var(txn.page) -m bool }} {{ be_name -m end _{colour} }}")


def test_a_cookie_holds_only_while_its_release_drains_and_runs_and_never_for_a_page() -> None:
    rules = [line for line in sections()[f"frontend {ADDRESS[DASHBOARD]}"] if line.startswith("use_backend")]
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
    text = edge.configuration(HELD, BARE, PLACE)
    assert "\n  option redispatch 1\n" in text
    assert "retry-on" not in text, "without it, what is tried again is the connection"


def two(blue: tuple[Route, ...], green: tuple[Route, ...], *more: Route) -> dict[str, list[str]]:
    """Return the sections of an edge that holds the addresses of blue, and more, while the colours differ."""
    addresses = held_for((*blue, *more), 1)
    routes = {"blue": leads(addresses, blue, 1), "green": leads(addresses, green, 2)}
    return sections_of(addresses, {colour: ColourRoutes(App("shop"), its) for colour, its in routes.items()})


def test_an_address_leads_to_another_service_and_port_in_each_colour() -> None:
    found = two((WEB,), (Route("app", 9000, 80),))
    rules = [
        line for line in found["frontend 0.0.0.0:80"] if line.startswith("use_backend") and "unchecked" not in line
    ]
    assert rules[1:] == ["use_backend web-8000_blue if live_blue", "use_backend app-9000_green if live_green"]
    assert "default_backend app-9000_green" in found["frontend preview_0.0.0.0:80_green"]
    assert "backend web-8000_green" not in found and "backend app-9000_blue" not in found


def test_services_that_swap_their_addresses_keep_their_backends() -> None:
    other = Route("api", 9000, 81)
    found = two((WEB, other), (Route("api", 9000, 80), Route("web", 8000, 81)))
    assert "use_backend web-8000_green if live_green" in found["frontend 0.0.0.0:81"]
    assert "use_backend api-9000_green if live_green" in found["frontend 0.0.0.0:80"]


def test_two_addresses_may_lead_to_one_port_of_a_service() -> None:
    found = two((WEB, Route("web", 8000, 81)), (WEB, Route("web", 8000, 81)))
    assert "use_backend web-8000_blue if live_blue" in found["frontend 0.0.0.0:81"]


def test_an_address_that_a_release_lacks_is_closed_while_that_release_is_live() -> None:
    found = two((WEB, Route("old", 90, 90)), (WEB,))
    assert "tcp-request content reject if live_green" in found["frontend 0.0.0.0:90"]
    assert found["frontend preview_0.0.0.0:90_green"][-1] == "tcp-request content reject"
    assert not any("reject" in line for line in found["frontend 0.0.0.0:80"])


@pytest.mark.parametrize(("blue", "green"), [("http", "tcp"), ("tcp", "http")])
def test_where_the_modes_differ_each_backend_brings_its_own(blue: str, green: str) -> None:
    found = two((Route("web", 8000, 80, mode=blue),), (Route("web", 8000, 80, mode=green),))
    assert found["frontend 0.0.0.0:80"][0] == "mode tcp"
    assert found["backend web-8000_blue"][0] == f"mode {blue}"
    assert found["backend web-8000_green"][0] == f"mode {green}"


def test_a_page_that_the_edge_of_an_older_version_answered_stays_with_its_colour() -> None:
    former = HeldRoute(DASHBOARD.service, DASHBOARD.port, DASHBOARD.listen, DASHBOARD.address)
    found = sections_of((former,), dict.fromkeys(COLOURS, ColourRoutes(App("shop"), ((DASHBOARD,),))))
    loaded = [line for line in found["frontend 127.0.0.1:8501"] if "set-var(txn.loaded)" in line]
    assert loaded == [
        "http-request set-var(txn.loaded) req.cook(switchyard-dashboard-8501)",
        "http-request set-var(txn.loaded) req.cook(switchyard-127.0.0.1-8501) "
        "if { req.cook(switchyard-127.0.0.1-8501) -m found }",
    ]


@pytest.mark.parametrize(
    ("address", "published", "name"),
    [
        ("", "8080:10000", "8080"),
        ("127.0.0.1", "127.0.0.1:8080:10000", "127.0.0.1:8080"),
        ("::1", "[::1]:8080:10000", "::1:8080"),
        ("::", "[::]:8080:10000", ":::8080"),
    ],
)
def test_each_kind_of_address_is_published_as_compose_writes_it(address: str, published: str, name: str) -> None:
    route = Route("web", 8000, 8080, address)
    ports = document((route,))["ports"]
    assert isinstance(ports, list) and ports[0] == published
    assert edge.address_name(route) == name


def test_every_port_inside_is_bound_once_also_with_many_routes() -> None:
    routes = tuple(Route(f"s{number}", 80, 8000 + number) for number in range(100))
    same = dict.fromkeys(COLOURS, ColourRoutes(App("shop"), tuple((route,) for route in routes)))
    configuration = edge.configuration(held_for(routes, 1), same, PLACE)
    ports = re.findall(r"^  bind :(\d+)$", configuration, re.MULTILINE)
    assert len(ports) == len(set(ports)) == 300


def document(routes: tuple[Route, ...] = ROUTES, engine: str = "26.1.5+dfsg1") -> dict[str, object]:
    previews = {name: 20000 + number for number, name in enumerate(edge.preview_names(routes))}
    places = {"home": "/srv/edge", "user": "0:0", "image": "sha256:abc", "engine": engine}
    made = edge.document("shop", held_for(routes, 1), previews, **places)
    service = made["services"]["edge"]
    assert list(made["services"]) == ["edge"] and isinstance(service, dict)
    return {**service, "top": {key: made[key] for key in ("name", "networks")}}


def test_the_engine_answers_for_names_of_containers_and_asks_nobody_outside() -> None:
    assert document()["dns_opt"] == ["ndots:0"] and document()["dns"] == ["127.255.255.254"]


@pytest.mark.parametrize(("engine", "asks_nobody"), [("23.0.6", False), ("24.0.0", True), ("28.0", True), ("", False)])
def test_an_engine_that_says_nothing_where_its_name_server_does_not_answer_keeps_the_former_names(engine, asks_nobody):
    made = document(engine=engine)
    assert ("dns" in made) is asks_nobody
    assert edge.asks_nobody({"services": {"edge": made}}) is asks_nobody


@pytest.mark.parametrize("asks_nobody", [True, False])
@pytest.mark.parametrize("has_names", [True, False])
def test_a_colour_is_asked_for_by_its_reserved_names_where_its_release_has_them_and_nobody_else_is_asked(
    asks_nobody, has_names
):
    colours = {**BARE, "green": ColourRoutes(App("shop"), ALONE, has_reserved_names=has_names)}
    found = sections_of(HELD, colours, Place(asks_nobody))
    wanted = "web.green.shop.switchyard" if asks_nobody and has_names else "web-green"
    for backend in ("web-8000_green", "unchecked_web-8000_green"):
        assert any(line.startswith(f"server-template s 1-8 {wanted}:8000 ") for line in found[f"backend {backend}"])
    assert any(line.startswith("server-template s 1-8 web-blue:8000 ") for line in found["backend web-8000_blue"])


def test_every_frontend_refuses_the_containers_of_both_colours_and_nobody_else():
    subnets = [Subnet("172.18.0.0/16", "172.18.0.1"), Subnet("fd00:1::/64", "fd00:1::1"), Subnet("10.0.0.0/24")]
    found = sections_of(HELD, BARE, Place(False, subnets))
    fronts = [lines for head, lines in found.items() if head.startswith("frontend ")]
    assert len(fronts) == 9
    for lines in fronts:
        rule = lines.index("acl neighbour src 172.18.0.0/16 fd00:1::/64 10.0.0.0/24")
        assert lines[rule + 1 : rule + 3] == [
            "acl gateway src 172.18.0.1 fd00:1::1",
            "tcp-request connection reject if neighbour !gateway",
        ]
        assert lines[rule - 1].startswith("bind"), "before anything else"
    without = sections_of(HELD, BARE, Place(False, [Subnet("10.0.0.0/24")]))["frontend 0.0.0.0:80"]
    assert "tcp-request connection reject if neighbour" in without and "acl gateway" not in " ".join(without)
    assert "neighbour" not in " ".join(sections()["frontend 0.0.0.0:80"])


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
    bound = set(re.findall(r"bind :(\d+)", edge.configuration(HELD, BARE, PLACE)))
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
    folders = [f"/srv/edge/{name}:/etc/edge/{name}" for name in ("cfg", "maps", "run")]
    assert made["volumes"] == [f"{folders[0]}:ro", f"{folders[1]}:ro", folders[2]], "it writes to its socket's alone"
    assert {key: made[key] for key in edge_container.HARDENED} == edge_container.HARDENED
    assert made["labels"] == {"switchyard.app": "shop", "switchyard.kind": "edge"}


def test_a_preview_without_a_port_is_an_error() -> None:
    with pytest.raises(KeyError):
        edge.document("shop", HELD, {"0.0.0.0:80_blue": 1}, home="/srv/edge", user="0:0", image="i", engine="")


def test_maps_hold_one_row_a_key() -> None:
    assert edge.live_map("green") == "live green\n"
    assert edge.releases_map({"green": None, "blue": "R1"}) == "blue R1\ngreen none\n"
    assert edge.drain_map({"R2": 20, "R1": 10}) == "R1 10\nR2 20\n" and edge.drain_map({}) == ""
    assert edge.previews_map({"green": 20, "blue": 10}) == "blue 10\ngreen 20\n"
