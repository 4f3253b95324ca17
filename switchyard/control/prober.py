"""Probes of the public address during a verb: what users would have seen."""

from __future__ import annotations

import http.client
import threading
import time

from switchyard.control.public_address import Address, fetch
from switchyard.core.wire.receipt import Probes

PROBES_PER_SECOND = 12
PROBE_WITHIN = 5.0
"""Seconds in which the address must answer a probe."""


class Prober(threading.Thread):
    """Probes an address 12 times a second until it is stopped. An address behind SSH is not measured."""

    def __init__(self, address: Address | None, *, measuring: bool) -> None:
        super().__init__(daemon=True)
        self.address = address
        self.measuring = measuring
        """Whether to probe now. Where nothing is live, nothing is measured before the switch."""
        self.sent = 0
        self.failed = 0
        self.first_failure = ""
        self._stopping = threading.Event()
        self._counting = threading.Lock()
        self._probes: list[threading.Thread] = []

    def run(self) -> None:
        """Start each probe on time, whether or not the one before has ended."""
        if self.address is None or self.address.forwarded:
            return
        due = time.monotonic()
        while not self._stopping.is_set():
            if self.measuring:
                self._probes.append(threading.Thread(target=self._probe, args=(self.address,), daemon=True))
                self._probes[-1].start()
            due = max(due + 1 / PROBES_PER_SECOND, time.monotonic() - 1)  # a laptop that slept does not catch up
            self._stopping.wait(max(0.0, due - time.monotonic()))

    def _probe(self, address: Address) -> None:
        failure = "no end"
        try:
            answer = fetch(address, None, PROBE_WITHIN)
            failure = "" if address.passes(answer.status) else f"{answer.status}"
        except (OSError, http.client.HTTPException) as error:
            failure = str(error) or type(error).__name__
        finally:
            with self._counting:
                self.sent += 1
                if failure:
                    self.failed += 1
                    self.first_failure = self.first_failure or failure

    def stop(self) -> Probes:
        """Wait for the last probe and return the counts; nulls where nothing was sent."""
        self._stopping.set()
        if self.is_alive():
            self.join()
        for probe in self._probes:
            probe.join()
        return Probes(self.sent, self.failed) if self.sent else Probes()
