"""The names that Switchyard gives to what it creates on a host."""

from __future__ import annotations

import pytest

from switchyard.core import names


@pytest.mark.parametrize("colour", names.COLOURS)
def test_the_other_colour_of_the_other_colour_is_the_colour(colour):
    assert names.other(colour) != colour == names.other(names.other(colour))


def test_every_name_says_whose_it_is_and_no_two_colours_share_one():
    assert [names.project("shop", part) for part in ("shared", "edge", *names.COLOURS)] == [
        "shop-shared",
        "shop-edge",
        "shop-blue",
        "shop-green",
    ]
    assert names.network("shop", "blue") == "shop-blue"
    assert names.aliases("web", "green", "shop") == ("web.green.shop.switchyard", "web-green")
    assert names.volume("shop", "pgdata") == "shop_pgdata"
    assert names.tag("shop", "web", "R1") == "switchyard/shop/web:R1"


@pytest.mark.parametrize(
    "name", ["web.blue.shop.switchyard", "Web.Blue.Shop.SwitchYard", "x.switchyard", "x.switchyard."]
)
def test_names_that_end_like_those_of_the_edge_are_reserved_however_they_are_spelled(name):
    assert names.is_reserved(name)


@pytest.mark.parametrize("name", ["switchyard", "web.switchyard.example", "my-switchyard"])
def test_names_that_only_look_like_them_are_free(name):
    assert not names.is_reserved(name)


@pytest.mark.parametrize(
    ("name", "can_be_asked"),
    [
        ("a" * 63 + ".blue", True),
        ("a" * 64 + ".blue", False),
        ("a..blue", False),
        (".blue", False),
        ("a.", False),
        (".".join(["a" * 62] * 4), True),
        (".".join(["a" * 63] * 4), False),
    ],
)
def test_dns_asks_for_names_of_limited_length_without_empty_parts(name, can_be_asked):
    assert names.is_host_name(name) is can_be_asked


def test_a_new_volume_belongs_to_the_application_of_the_longest_name():
    assert names.owner_of_volume("a_b_c", "a", ["a_b", "x"]) == "a_b" == names.owner_of_volume("a_b_c", "a_b", ["a"])
    assert names.owner_of_volume("a_bc", "a", ["a_b"]) == "a" == names.owner_of_volume("media", "a", ["a_b"])


@pytest.mark.parametrize("app,other,meets", [("a", "a-green", True), ("a-blue-x", "a", True), ("a", "a-greens", False)])
def test_an_application_called_like_a_part_of_another_could_share_names_with_it(app, other, meets):
    assert names.meet(app, other) is meets
