"""What users notice of an engine that answers nothing, or of a disk that is too slow for it: nothing."""

from __future__ import annotations

import contextlib
import time

import pytest

FORGOTTEN = 30.0
"""Seconds after which HAProxy itself forgets the addresses of an engine that does not answer."""
LEAST_RATE = 20
"""Requests a second that the load must have sent."""
WRITERS, WRITE_SECONDS = 6, 60


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


@pytest.mark.instance
def test_no_request_fails_while_the_engine_answers_nothing(live, under_load):
    load = under_load()
    with stopped(live, "dockerd"):
        time.sleep(FORGOTTEN + 5)
    summary = load.stop()
    assert summary.failed == 0, summary.errors
    assert summary.sent > FORGOTTEN * LEAST_RATE


@pytest.mark.long
def test_no_request_fails_while_others_write_and_sync_on_the_same_disk(live, under_load):
    load = under_load()
    write = "while :; do dd if=/dev/zero of=/var/lib/docker/written-$0 bs=1M count=48 conv=fsync 2>/dev/null; done"
    numbers = " ".join(map(str, range(WRITERS)))
    try:
        live.run("sh", "-c", f"for n in {numbers}; do timeout {WRITE_SECONDS} sh -c '{write}' $n & done; wait; true")
    finally:
        live.run("sh", "-c", "rm -f /var/lib/docker/written-*")
    summary = load.stop()
    assert summary.failed == 0, summary.errors
    assert summary.sent > WRITE_SECONDS * LEAST_RATE
