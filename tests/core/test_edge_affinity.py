"""Which requests stay with the colour of their page."""

from __future__ import annotations

from switchyard.core.edge_affinity import page_rules, rules, set_cookie
from switchyard.core.edge_names import Target


def test_only_what_has_affinity_follows_the_cookie_and_each_colour_is_told_once():
    targets = [Target(f"{name}_blue", "blue", name != "api", True) for name in ("web", "admin", "api")]
    assert rules(targets) == [
        "  acl from_blue var(txn.colour) -m str blue",
        "  use_backend web_blue if draining from_blue to_web_blue web_blue_up !loads_page",
        "  use_backend admin_blue if draining from_blue to_admin_blue admin_blue_up !loads_page",
    ]


def test_the_cookie_of_an_older_edge_counts_where_there_is_no_newer_one():
    loaded = [line for line in page_rules("new", "old", "/etc/edge") if "txn.loaded) req" in line]
    assert loaded == [
        "  http-request set-var(txn.loaded) req.cook(old)",
        "  http-request set-var(txn.loaded) req.cook(new) if { req.cook(new) -m found }",
    ]
    assert len([line for line in page_rules("new", None, "/etc/edge") if "txn.loaded) req" in line]) == 1


def test_a_page_carries_the_release_that_answered_it():
    assert " Set-Cookie c=blue:R1;" in set_cookie("c", "blue", "R1")
