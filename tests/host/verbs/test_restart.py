"""A restart without anything live is refused."""

from __future__ import annotations

import pytest

from switchyard.core.errors import Refused
from switchyard.core.site import Site
from switchyard.host import observe
from switchyard.host.verbs.restart import restart


def test_where_nothing_is_live_there_is_nothing_to_restart(holder, monkeypatch):
    monkeypatch.setattr(observe, "site", lambda *_: Site())
    with pytest.raises(Refused, match="nothing is live here"):
        restart(holder)
