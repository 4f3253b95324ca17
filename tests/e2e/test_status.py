"""A look at a host takes no longer where its services are many and slow."""

from __future__ import annotations

import time

import pytest

from tests.harness.site import clear
from tests.harness.twelve_services import TwelveServices

STATUS_MOST = 1.5
"""Seconds, the least of ``LOOKS``: the others say what else this machine does."""
LOOKS = 3


@pytest.fixture
def site(tmp_path, sandbox_host):
    site = TwelveServices(tmp_path / "site", *sandbox_host)
    yield site
    clear(site)


@pytest.mark.instance
def test_status_of_twelve_services_waits_for_no_slow_health_check(site):
    site.commit("1")
    release = site.receipt("deploy")["release"]
    site.slow_down(2)
    seconds = []
    for _ in range(LOOKS):
        began = time.monotonic()
        (machine,) = site.receipt("status")["hosts"]
        seconds.append(time.monotonic() - began)
        assert (machine["live"]["release"], machine["live"]["healthy"]) == (release, True)
    assert min(seconds) <= STATUS_MOST, seconds
