"""How long something was away is measured while it happens."""

from __future__ import annotations

import threading
import time

import pytest

from switchyard.core.errors import SwitchyardError
from switchyard.host.outage import Outage


def test_an_outage_lasts_from_the_first_look_that_fails_to_the_next_that_passes():
    away = threading.Event()
    with Outage(lambda: not away.is_set()) as outage:
        away.set()
        began = time.monotonic()
        while time.monotonic() - began < 0.2:
            pass
        away.clear()
        outage.await_end(5)
    lasted = time.monotonic() - began
    assert 0.1 < outage.seconds <= lasted


def test_without_an_outage_it_lasted_no_time():
    with Outage(lambda: True) as outage:
        outage.await_end(0)
    assert outage.seconds == 0


def test_what_does_not_come_back_is_an_error():
    with Outage(lambda: False) as outage, pytest.raises(SwitchyardError, match="does not answer within 0 s"):
        outage.await_end(0)
