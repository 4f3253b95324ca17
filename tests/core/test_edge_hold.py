"""How the edge holds requests to exclusive services, as text."""

from __future__ import annotations

from dataclasses import replace

import pytest

from switchyard.core import edge, edge_hold
from switchyard.core.app import App, Route
from switchyard.core.edge import ColourRoutes, Place
from switchyard.core.held_routes import held_for

WEB, GIT = Route("web", 8000, 80), Route("git", 3000, 3000)
SSH = Route("git", 22, 2222, mode="tcp")
ROUTES = (WEB, GIT, SSH)
PLAIN, SOLE = App("shop"), App("shop", kinds={"git": "exclusive"}, hold=12)


def configuration(blue: App, green: App) -> str:
    leads = tuple((route,) for route in ROUTES)
    colours = {"blue": ColourRoutes(blue, leads), "green": ColourRoutes(green, leads)}
    return edge.configuration(held_for(ROUTES, 1), colours, Place(asks_nobody=True))


def frontend(text: str, name: str) -> list[str]:
    lines = text.split(f"\nfrontend {name}\n")[1].split("\n\n")[0]
    return [line.strip() for line in lines.splitlines()]


@pytest.mark.parametrize(("blue", "green"), [(SOLE, PLAIN), (PLAIN, SOLE), (SOLE, SOLE)])
def test_requests_wait_at_the_addresses_of_exclusive_services_of_either_colour_and_nowhere_else(blue, green):
    text = configuration(blue, green)
    name = edge.address_name
    assert "http-request lua.hold 12" in frontend(text, name(GIT))
    tcp = frontend(text, name(SSH))
    assert tcp.index("tcp-request inspect-delay 22s") < tcp.index("tcp-request content lua.hold_tcp 12")
    assert "lua" not in " ".join(frontend(text, name(WEB))) and text.count(" lua.hold") == 2
    assert all("lua" not in section for section in text.split("\nfrontend ") if section.startswith("preview_"))


def test_a_connection_waits_before_it_is_decided_where_it_goes():
    lines = frontend(configuration(SOLE, replace(SOLE, hold=3)), edge.address_name(GIT))
    rule = lines.index("http-request lua.hold 12")
    assert all(number > rule for number, line in enumerate(lines) if line.startswith("use_backend"))


def test_the_script_is_loaded_before_the_rules_that_need_it_and_only_where_there_are_any():
    text = configuration(SOLE, PLAIN)
    assert text.index(f"lua-load /etc/edge/cfg/{edge_hold.FILE}\n") < text.index("lua.hold")
    assert edge_hold.FILE not in configuration(PLAIN, PLAIN) and "lua.hold" not in configuration(PLAIN, PLAIN)


def test_requests_to_another_service_at_the_same_address_do_not_wait():
    routes = (Route("web", 8000, 80, path="/shop"), Route("git", 3000, 80))
    colours = {colour: ColourRoutes(SOLE, (routes,)) for colour in ("blue", "green")}
    lines = frontend(edge.configuration(held_for(routes[:1], 1), colours, Place(asks_nobody=True)), "0.0.0.0:80")
    waits = [line for line in lines if line.startswith("http-request lua.hold")]
    assert waits == [f"http-request lua.hold 12 if {{ var(txn.{colour}) -m str git-3000 }}" for colour in colours]
    chosen = max(number for number, line in enumerate(lines) if line.startswith("http-request set-var(txn.green)"))
    assert chosen < lines.index(waits[0])


def test_the_script_reads_the_map_that_a_hold_fills_and_ends_the_hold_by_itself():
    script = edge_hold.script(edge.HOME)
    assert f'Map.new("/etc/edge/maps/{edge_hold.MAP}.map"' in script and "HOME" not in script
    assert f'"{edge_hold.UNTIL}"' in script and "os.time() < second" in script
    assert edge_hold.hold_map(1700000030) == "until 1700000030\n"
