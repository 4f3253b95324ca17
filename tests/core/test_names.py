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
    assert names.network("shop", "blue") == "shop-blue" and names.alias("web", "green") == "web-green"
    assert names.volume("shop", "pgdata") == "shop_pgdata"
    assert names.tag("shop", "web", "R1") == "switchyard/shop/web:R1"
