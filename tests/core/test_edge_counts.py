"""The lines by which the edge counts, and the script that carries counts over a reload."""

from __future__ import annotations

import itertools
import re

import pytest

from switchyard.core import edge, edge_counts, edge_script
from switchyard.core.app import App, Route
from switchyard.core.edge import ColourRoutes, Place
from switchyard.core.errors import BadInput
from switchyard.core.held_routes import held_for

WEB, QUEUE = Route("web", 8000, 80), Route("queue", 6379, 6379, mode="tcp")
COLOURS = dict.fromkeys(("blue", "green"), ColourRoutes(App("shop"), ((WEB,), (QUEUE,))))
TEXT = edge.configuration(held_for((WEB, QUEUE), 1), COLOURS, Place(asks_nobody=True))
SECTIONS = {part.partition("\n")[0]: part for part in re.split(r"\n(?=\S)", TEXT)}


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("how", ["", "unchecked_"])
def test_each_backend_counts_its_colour_with_the_release_of_the_map(how: str, colour: str) -> None:
    release = f"%[str({colour}),map(/etc/edge/maps/releases.map,none)]"
    for route in (WEB, QUEUE):
        section = SECTIONS[f"backend {how}{route.name}_{colour}"]
        assert f"%[var(txn.probe)]%[var(sess.address)]|{route.name}|{colour}|{release}" in section


def test_only_public_addresses_give_rows_a_name() -> None:
    named = {head for head, section in SECTIONS.items() if "set-var(sess.address)" in section}
    assert named == {"frontend 0.0.0.0:80", "frontend 0.0.0.0:6379"}


def test_a_probe_is_known_by_a_secret_of_a_map_and_the_application_never_sees_it() -> None:
    section = SECTIONS["frontend 0.0.0.0:80"]
    assert "map(/etc/edge/maps/probes.map) -m found" in section
    assert f"http-request del-header {edge_counts.PROBE_HEADER}" in section
    assert edge_counts.probes_map("") == "" and edge_counts.probes_map("a1") == "a1 probe:\n"
    with pytest.raises(BadInput):
        edge_counts.probes_map("a b")


def test_the_table_is_not_a_backend_s_which_haproxy_empties_after_a_reload() -> None:
    assert "  disabled\n" in SECTIONS["peers edge"] and "stick-table" not in TEXT
    assert f"show table {edge_counts.TABLE}" in edge_script.script("/etc/edge")


def test_every_millisecond_has_one_bucket_and_the_bounds_hold_what_the_guard_asks_for() -> None:
    ranges = [line.split()[0].split(":") for line in edge_counts.buckets_map().splitlines()]
    assert ranges[0][0] == "0" and ranges[-1][1] == "30000"
    assert all(int(end) + 1 == int(begin) for (_, end), (begin, _) in itertools.pairwise(ranges))
    assert {0.1, 0.5, 1.0, 2.0, 5.0} <= {*edge_counts.BOUNDS} and 8 <= len(edge_counts.BOUNDS) <= 10


def test_the_script_has_every_value_and_loads_only_where_haproxy_has_lua() -> None:
    assert not re.findall(r"@\w+@", edge_script.script("/etc/edge"))
    assert '"/etc/edge/run/edge.sock", 2000, 300, 30' in edge_script.script("/etc/edge")
    assert ".if feature(LUA)\n    lua-load /etc/edge/cfg/counts.lua\n  .endif" in SECTIONS["global"]
