"""What users notice of an engine that answers nothing, or of a disk that is too slow for it: nothing."""

from __future__ import annotations

import contextlib
import time

import pytest

from tests.harness.load import Load

FORGOTTEN = 30.0
"""Seconds after which HAProxy itself forgets the addresses of an engine that does not answer."""
RATE, LEAST_RATE = 50, 20
"""Requests a second that the load sends, and must have sent: few, so that only the stall can make them fail."""
WRITERS, WRITE_SECONDS = 4, 60


@contextlib.contextmanager
def stopped(site, program):
    """Stop a program of the host for a while."""
    site.run("pkill", "-STOP", "-x", program)
    try:
        yield
    finally:
        site.run("pkill", "-CONT", "-x", program)


@pytest.fixture
def live(site):
    """Have one release live, with a check of ours."""
    site.settings(checks={"web": {"port": 8000, "path": "/health"}})
    site.commit("1")
    site.receipt("deploy")
    return site


def load_on(site):
    """Return a load that runs until it is stopped."""
    return Load(site.url, rate=RATE, seconds=300, get=lambda number: "/", post=lambda name: ("/echo", name.encode()))


@pytest.mark.instance
def test_no_request_fails_while_the_engine_answers_nothing(live):
    load = load_on(live).start()
    with stopped(live, "dockerd"):
        time.sleep(FORGOTTEN + 5)
    summary = load.stop()
    assert summary.failed == 0, summary.errors
    assert summary.sent > FORGOTTEN * LEAST_RATE


@pytest.mark.long
def test_no_request_fails_while_others_write_and_sync_on_the_same_disk(live):
    load = load_on(live).start()
    write = "while :; do dd if=/dev/zero of=/var/lib/docker/written-$0 bs=256k count=400 oflag=dsync 2>/dev/null; done"
    numbers = " ".join(map(str, range(WRITERS)))
    try:
        live.run("sh", "-c", f"for n in {numbers}; do timeout {WRITE_SECONDS} sh -c '{write}' $n & done; wait; true")
    finally:
        live.run("sh", "-c", "rm -f /var/lib/docker/written-*")
    summary = load.stop()
    assert summary.failed == 0, summary.errors
    assert summary.sent > WRITE_SECONDS * LEAST_RATE
