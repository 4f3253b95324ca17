"""Probes during a verb: what they count, and what was not measured."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from switchyard.control.prober import Prober
from switchyard.control.public_address import Address
from switchyard.core.wire.receipt import Probes
from tests.harness.web_server import closed_address, run_until, serving


def test_probes_count_what_was_sent_and_what_failed():
    with serving() as address:
        probes = run_until(Prober(address, measuring=True), 5)
    assert probes.sent is not None and probes.sent >= 5 and probes.failed == 0
    failing = Prober(closed_address(), measuring=True)
    probes = run_until(failing, 5)
    assert probes.failed == probes.sent and "refused" in failing.first_failure


def test_a_probe_that_still_waits_at_the_end_is_waited_for_and_counts_as_failed(monkeypatch):
    monkeypatch.setattr("switchyard.control.prober.PROBE_WITHIN", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        prober = Prober(Address("127.0.0.1", silent.getsockname()[1], "/"), measuring=True)
        prober.start()
        with silent.accept()[0]:
            probes = prober.stop()
    assert probes.sent is not None and probes.sent >= 1 and probes.failed == probes.sent
    assert "timed out" in prober.first_failure


@pytest.mark.parametrize(
    "address,measuring",
    [(None, True), (Address("127.0.0.1", 1, "/", forwarded=True), True), (Address("127.0.0.1", 1, "/"), False)],
    ids=["no address", "only through the connection", "nothing live yet"],
)
def test_what_was_not_measured_is_not_zero(address, measuring):
    prober = Prober(address, measuring=measuring)
    prober.start()
    assert prober.stop() == Probes()
    prober.join()


@contextlib.contextmanager
def probing(status: Callable[[], int]) -> Iterator[Prober]:
    """Probe a server after the switch; some probes passed before."""
    with serving(lambda: status() if has_switched else 200) as address:
        has_switched: list[bool] = []
        prober = Prober(address, measuring=True)
        prober.start()
        wait_for(prober, 5)
        has_switched.append(True)
        prober.switched()
        yield prober
        prober.stop()


def wait_for(prober: Prober, count: int) -> None:
    """Wait for so many more probes."""
    least, deadline = prober.sent + count, time.monotonic() + 30
    while prober.sent < least:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_release_that_fails_its_probes_until_the_end_is_wrong():
    with probing(lambda: 500) as prober:
        wait_for(prober, 4)
        trouble = prober.settle(0.2)
        assert trouble is not None and trouble.verdict == "wrong" and "failed (500)" in trouble.why
        prober.stop()
        assert prober.trouble() is not None, "and its end says the same"


def test_failing_probes_may_recover_and_are_waited_for():
    answers = iter([500] * 5)
    with probing(lambda: next(answers, 200)) as prober:
        wait_for(prober, 4)
        assert prober.trouble() is not None
        assert prober.settle(30) is None


def test_good_probes_are_not_waited_for_and_none_says_nothing():
    with probing(lambda: 200) as prober:
        began = time.monotonic()
        assert prober.settle(30) is None and time.monotonic() - began < 5
    assert Prober(None, measuring=True).settle(30) is None, "no address"


def test_a_probe_that_waits_is_waited_for_and_is_a_failure_where_it_never_ends(monkeypatch):
    monkeypatch.setattr("switchyard.control.prober.PROBE_WITHIN", 2.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        prober = Prober(Address("127.0.0.1", silent.getsockname()[1], "/"), measuring=False)
        prober.switched()
        prober.start()
        while len(prober._outcomes) < 4:
            time.sleep(0.01)
        trouble = prober.settle(0.5)
        prober.stop()
    assert trouble is not None and trouble.verdict == "unverified" and "no answer yet" in trouble.why
