"""Probes of the public address during a verb: what users would have seen."""

from __future__ import annotations

import http.client
import threading
import time

from switchyard.control.public_address import Address, fetch
from switchyard.core.probing import LAST, Probed, Trouble, trouble
from switchyard.core.wire.receipt import Probes

PROBES_PER_SECOND = 12
PROBE_WITHIN = 5.0
"""Seconds in which the address must answer a probe."""
POLL = 0.02
"""Seconds between two looks at probes that wait."""
UNANSWERED = Probed("no answer yet", is_answer=False)


class Prober(threading.Thread):
    """Probes an address 12 times a second until it is stopped. An address behind SSH is not measured."""

    def __init__(self, address: Address | None, *, measuring: bool, within: float = PROBE_WITHIN) -> None:
        super().__init__(daemon=True)
        self.address = address
        self._within = within
        """Seconds in which the address must answer a probe: more where the edge may let it wait."""
        self.measuring = measuring
        """Whether to probe now. Where nothing is live, nothing is measured before the switch."""
        self.sent = 0
        self.failed = 0
        self.first_failure = ""
        self._outcomes: list[Probed | None] = []
        """Of each probe, in the order in which they began; None while it waits."""
        self._switched_at: int | None = None
        """How many probes had begun before the switch."""
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
                place = len(self._outcomes)
                self._outcomes.append(None)
                self._probes.append(threading.Thread(target=self._probe, args=(self.address, place), daemon=True))
                self._probes[-1].start()
            due = max(due + 1 / PROBES_PER_SECOND, time.monotonic() - 1)  # a laptop that slept does not catch up
            self._stopping.wait(max(0.0, due - time.monotonic()))

    def _probe(self, address: Address, place: int) -> None:
        failure, is_answer = "no end", False
        try:
            answer = fetch(address, None, self._within)
            failure, is_answer = "" if address.passes(answer.status) else f"{answer.status}", True
        except (OSError, http.client.HTTPException) as error:
            failure = str(error) or type(error).__name__
        finally:
            with self._counting:
                self._outcomes[place] = Probed(failure, is_answer)
                self.sent += 1
                if failure:
                    self.failed += 1
                    self.first_failure = self.first_failure or failure

    def switched(self) -> None:
        """Note that traffic moved: the probes that begin from now on speak of the release that went live."""
        self.measuring = True
        self._switched_at = len(self._outcomes)

    def settle(self, within: float) -> Trouble | None:
        """Return what the last probes say against the release that went live, once each of them has ended.

        While they speak against it, wait for better ones, for so many seconds at most.
        """
        deadline = time.monotonic() + within
        while True:
            count = len(self._outcomes)
            while None in self._outcomes[self._first(count) : count] and time.monotonic() < deadline:
                time.sleep(POLL)
            failing = self.trouble(count)
            if failing is None or time.monotonic() > deadline:
                return failing
            time.sleep(POLL)

    def trouble(self, count: int | None = None) -> Trouble | None:
        """Return what the last of the first ``count`` probes say against the release that went live."""
        if self._switched_at is None:
            return None
        before = [probe for probe in self._outcomes[: self._switched_at] if probe is not None]
        since = [probe or UNANSWERED for probe in self._outcomes[self._first(count) : count]]
        return trouble(before, since)

    def _first(self, count: int | None) -> int:
        """Return the place of the first of the probes that decide."""
        count = len(self._outcomes) if count is None else count
        return max(count - LAST, self._switched_at if self._switched_at is not None else count)

    def stop(self) -> Probes:
        """Wait for the last probe and return the counts; nulls where nothing was sent."""
        self._stopping.set()
        if self.is_alive():
            self.join()
        for probe in self._probes:
            probe.join()
        return Probes(self.sent, self.failed) if self.sent else Probes()
