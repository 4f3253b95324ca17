"""How the end of an attempt is told."""

from __future__ import annotations

from switchyard.control.channel import UNSEEN
from switchyard.control.receipt import is_live


def test_the_release_that_is_live_is_named():
    assert is_live({**UNSEEN, "live": {"id": "r1", "state": "good"}, "looked": True}) == "live is r1 (good)"


def test_nothing_is_live_only_where_somebody_looked():
    assert is_live({**UNSEEN, "looked": True}) == "nothing is live"
    assert is_live(UNSEEN) == "what is live was not seen; look with inv status"
