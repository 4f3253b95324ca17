"""One run of a verb on this host: its request, and the parts that it is carried out with."""

from __future__ import annotations

import time
from pathlib import Path

from switchyard.core.errors import Refused
from switchyard.core.journal import Author
from switchyard.core.lease import BEAT_WITHIN, RENEW_EVERY
from switchyard.core.site import Site
from switchyard.core.wire.request import Request, Word
from switchyard.host import observe
from switchyard.host.adapters.kernel import now
from switchyard.host.adapters.proxy import Proxy
from switchyard.host.adapters.store import Store
from switchyard.host.attempt_lease import AttemptLease
from switchyard.host.command_runner import CommandRunner
from switchyard.host.event_log import EventLog
from switchyard.host.inbox import POLL, Cancelled, Inbox
from switchyard.host.memory import Memory
from switchyard.host.wanted_release import WantedRelease

LED = ("deploy", "shared.apply", "edge.apply")
"""The verbs of several phases. The control node starts each phase."""


class Attempt:
    """One run of a verb. It keeps no facts of the machine: those are observed again before every step."""

    def __init__(
        self, store: Store, folder: Path, request: Request, *, typed_at: float | None = None, lock: int | None = None
    ) -> None:
        self.store = store
        self.folder = folder
        self.request = request
        self.wanted = WantedRelease(store, request.app)
        self.memory = Memory()
        self.lease = AttemptLease(store.lease)
        self.lock = lock
        """The inode of the file that the attempt's program locks while it lives."""
        self.inbox = Inbox(folder / "said.jsonl")
        self.events = EventLog(folder / "events.jsonl", store.reserve, self.wanted.redact)
        self.commands = CommandRunner(self.wanted, self.tick)
        self.proxy = Proxy(store)
        self.leaves: str | None = None
        """Of a way back: the release to leave. It is bad once the way back is done."""
        self.awaited: str | None = None
        """The way back that ran when this one was typed, and that this one waited for."""
        self._typed_at = self._alive_at = now() if typed_at is None else typed_at
        self.is_ending = False
        """Whether the attempt cleans up after itself. No word and no silence cuts that short."""

    @property
    def name(self) -> str:
        """The attempt's id."""
        return self.folder.name

    @property
    def is_led(self) -> bool:
        """Whether the attempt waits for the control node, and is cancelled before its switch when nobody beats."""
        return self.request.verb in LED

    @property
    def before(self) -> str | None:
        """The release that was live when the attempt began."""
        return self.wanted.before

    @before.setter
    def before(self, release: str | None) -> None:
        self.wanted.before = release

    @property
    def author(self) -> Author:
        """The fields that every journal entry of the attempt shares."""
        return {"attempt": self.name, "release": self.wanted.id or None, "host": self.request.host}

    def site(self) -> Site:
        """Return this machine as it is now, from the view of the wanted release."""
        return observe.site(self.store, self.request.app, self.wanted.id, self.memory)

    def tick(self) -> None:
        """Hear the control node and keep the lease. Waiting code calls this often.

        Raise ``Cancelled`` before the switch when nobody beats, ``Superseded`` when another attempt took over.
        """
        if not self.lease.number:
            self.require_alive()
        if not self.is_ending:
            self.inbox.hear(may_cancel=not self.lease.has_switched)
        silence = self.inbox.silence
        needs_beat = self.is_led and not self.lease.has_switched and not self.is_ending
        if needs_beat and silence > BEAT_WITHIN:
            raise Cancelled(f"no word from the control node for {silence:.0f} s, before the switch")
        self.lease.tick(renews=silence < RENEW_EVERY or not needs_beat)

    def require_alive(self) -> None:
        """Refuse to act on a verb that stood still for too long before it held the lease: it may not be meant any more.

        A verb that waits for the lease beats, and so goes on. A deploy and an apply act at a word of the control node.
        """
        if not self.is_led and now() - self._alive_at > BEAT_WITHIN:
            raise Refused(
                f"nothing was done: {self.request.verb} was typed {now() - self._typed_at:.0f} s ago; run it again"
            )
        self._alive_at = max(self._alive_at, self.inbox.heard_at)

    def await_word(self, name: str, *, within: float | None = None) -> Word | None:
        """Wait for a word of the control node. Return None when none comes within so many seconds."""
        deadline = None if within is None else time.monotonic() + within
        while True:
            self.tick()
            word = self.inbox.take(name)
            if word is not None or (deadline is not None and time.monotonic() > deadline):
                return word
            time.sleep(POLL)
