"""Probes during a verb: what they count, and what was not measured."""

from __future__ import annotations

import socket

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
