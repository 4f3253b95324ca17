"""A look at a host takes no longer where its services are many and slow."""

from __future__ import annotations

import time

import pytest

from tests.harness.site import clear
from tests.harness.twelve_services import TwelveServices

MORE_MOST = 1.0
"""Seconds that ``inv status`` may take longer than ``inv history``, which asks no container anything."""
LOOKS = 3
"""How often each is timed; the least counts, the others say what else this machine does."""


def timed(site, verb):
    """Run a verb and return its seconds."""
    began = time.monotonic()
    assert site.inv(verb).returncode == 0
    return time.monotonic() - began


@pytest.fixture
def site(tmp_path, sandbox_host):
    site = TwelveServices(tmp_path / "site", *sandbox_host)
    yield site
    clear(site)


@pytest.mark.instance
@pytest.mark.long
def test_status_of_twelve_services_waits_for_no_slow_health_check(site):
    site.commit("1")
    release = site.receipt("deploy")["release"]
    site.slow_down(2)
    status, history = (min(timed(site, verb) for _ in range(LOOKS)) for verb in ("status", "history"))
    assert status - history <= MORE_MOST, f"status {status:.1f} s, history {history:.1f} s"
    (machine,) = site.receipt("status")["hosts"]
    assert (machine["live"]["release"], machine["live"]["healthy"]) == (release, True), "as the engine saw it last"
