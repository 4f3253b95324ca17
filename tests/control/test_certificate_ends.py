"""When a certificate needs a person, and what is said then."""

from __future__ import annotations

import pytest

from switchyard.control.certificate_ends import describe_end, is_near

NOW, DAY = 1_800_000_000.0, 86400


@pytest.mark.parametrize(
    ("days", "near", "words"),
    [
        (30, False, "ends on 2027-02-14"),
        (21.5, False, "ends on"),
        (20.9, True, "in 20 days. Renew its files, then run inv edge.certificates"),
        (0.5, True, "in 0 days"),
        (0, True, "ended on 2027-01-15: browsers refuse the page"),
        (-3, True, "ended on 2027-01-12"),
    ],
)
def test_an_end_is_told_and_from_21_days_before_with_what_to_do(days, near, words):
    assert is_near(NOW + days * DAY, NOW) is near
    assert words in describe_end("shop.example", NOW + days * DAY, NOW)
