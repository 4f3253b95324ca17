"""A form fits whole texts and numbers within limits."""

from __future__ import annotations

import pytest

from switchyard.core.app import Route
from switchyard.core.wire.form import Form
from switchyard.core.wire.message import WireError


@pytest.mark.parametrize(
    "text,fits", [("web", True), ("web\n", False), ("\nweb", False), ("web x", False), ("", False)]
)
def test_a_pattern_is_that_of_the_whole_text(text, fits):
    assert Form(pattern="[a-z]+").fits(text) is fits


@pytest.mark.parametrize("number,fits", [(-1, False), (0, True), (9, True), (10, False)])
def test_limits_belong_to_what_fits(number, fits):
    assert Form(least=0, most=9).fits(number) is fits


@pytest.mark.parametrize(
    "change,words",
    [
        ({"service": "web x"}, "service: expected [a-zA-Z0-9._-]+"),
        ({"port": 70000}, "port: expected a number from 0 to 65535"),
        ({"address": "fe80::1%eth0"}, "address: expected"),
        ({"mode": "tcp\n"}, "mode: expected http or tcp"),
    ],
)
def test_what_reaches_a_generated_file_is_checked_when_it_is_read(change, words):
    with pytest.raises(WireError) as caught:
        Route.decode({**Route("web", 80, 8080).encode(), **change})
    assert words in str(caught.value)
