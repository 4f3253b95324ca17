"""The open channel to the host program of one machine, which outlives a lost connection."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from switchyard.control.connection import connect, unconnected
from switchyard.control.execution import Execution, encoded
from switchyard.control.journal_heads import JournalHead
from switchyard.control.operator_process import is_orphan, this_process
from switchyard.control.waivers import waivers_of
from switchyard.core.errors import BadInput, NotChecked, SwitchyardError
from switchyard.core.wire.events import AnswerEvent, End, Event, Received
from switchyard.core.wire.message import Message
from switchyard.core.wire.request import Request, Word
from switchyard.settings.model import Host, Machine

A = TypeVar("A", bound=Message)

LOST_WITHIN = 40.0
"""Seconds for which a lost connection is tried again."""
RETRY_EVERY = 1.0
JUDGED = ("deploy", "admission", "shared.apply", "edge.apply")
"""The verbs whose release a machine judges by what it reaches there."""
RECORDED_WITHIN = 2.0
"""Seconds in which a host records that an end was shown."""


@dataclass
class Patience:
    """Decides how long to try a lost connection again: the time starts anew whenever the host told something new."""

    lost_at: float = 0.0
    restored_at: float = 0.0
    events: int = -1
    """How many events were known at the last loss."""

    def lose(self, events: int) -> None:
        """Note a loss. Wait a moment where the connection was restored only to be lost at once."""
        now = time.monotonic()
        if events > self.events or now - self.restored_at > LOST_WITHIN:
            self.lost_at = now
        elif self.restored_at:
            time.sleep(RETRY_EVERY)
        self.events = events

    def restore(self) -> None:
        """Note that the connection is back."""
        self.restored_at = time.monotonic()

    @property
    def is_over(self) -> bool:
        """Whether it is time to give up."""
        return time.monotonic() > self.lost_at + LOST_WITHIN


@dataclass
class Conversation:
    """What was asked of the host program, and what each side has said since."""

    request: Request
    events_seen: int = 0
    last_word: bytes = b""
    """Said again on a new connection, because a lost one may have swallowed it."""
    is_sending: bool = False
    """Whether a release is on its way and the host has not confirmed it."""
    expects_cancel: bool = False
    """Whether a cancelled end is no surprise: it was asked for, or already looked at again."""


class Channel:
    """A connection to one machine, and the host program that runs there for this control node."""

    def __init__(self, host: Host, machine: Machine, app: str) -> None:
        self.machine = machine
        self.app = app
        self.executions = 0
        """How many remote executions this channel has started."""
        self.has_begun = False
        """Whether a host program accepted the last request, so that somebody can wait for its end."""
        self.journal = ""
        """Tells what the last answer shows of the journal, which this checkout may never have seen before."""
        self.connection = unconnected(host, machine)
        self._host = host
        self._root = host.setting.root or f"~/apps/{app}"
        self._head = JournalHead(host.checkout, host.name, machine.name, self._root)
        self._execution: Execution | None = None
        self._conversation = Conversation(self.request(""))
        self._patience = Patience()
        self._asking = threading.Lock()

    def request(self, verb: str) -> Request:
        """Return a request of this channel's application for ``dataclasses.replace`` to fill in."""
        waivers = waivers_of(self._host) if verb in JUDGED else ()
        request = Request(verb, self.app, self._root, host=self._host.name, operator=this_process(), waivers=waivers)
        return replace(request, head=self._head.known())

    def open(self) -> None:
        """Connect unless connected: the checks may take longer than a firewall on the way keeps a connection."""
        if not self.connection.is_connected:
            self.connection = connect(self._host, self.machine)

    def start(self, request: Request) -> None:
        """Start the host program with a request, in one remote execution."""
        self._conversation, self._patience = Conversation(request), Patience()
        self.has_begun = False
        self.open()
        self._execute(request)

    def ask(self, request: Request, answer: type[A]) -> A:
        """Return the answer of a verb that only looks. Several threads may ask; each waits for its turn."""
        with self._asking:
            self.start(request)
            for event in self.events():
                if isinstance(event, AnswerEvent):
                    return answer.decode(event.answer, f"{self.machine.name}: {request.verb}")
                if isinstance(event, End):
                    raise SwitchyardError(f"{self.machine.name}: {event.reason}", exit=event.exit)
        raise NotChecked(f"{self.machine.name}: the host program did not answer")

    def say(self, word: Word) -> None:
        """Send one word to the host program. If the connection is lost, the next one repeats it."""
        self._conversation.last_word = encoded(word)
        self._repeat()

    def send(self, data: bytes) -> None:
        """Send a release. If the connection is lost meanwhile, the next one cancels the attempt."""
        self._conversation.is_sending = True
        with contextlib.suppress(NotChecked):
            self._write(encoded(Word("receive", bytes=len(data))) + data)

    def cancel(self) -> None:
        """Ask for the attempt's end; on a new connection if a release is half sent on this one."""
        self._conversation.expects_cancel = True
        if self._conversation.is_sending:
            self._conversation.is_sending = False
            self._conversation.last_word = encoded(Word("cancel"))
            self.connection.close()
        else:
            self.say(Word("cancel"))

    def acknowledge(self, why: str = "") -> None:
        """Tell the host program that its end was printed, and wait a moment until it has recorded that.

        ``why``: why its release is taken for unverified after that end. A lost connection leaves the end as not shown.
        """
        with contextlib.suppress(NotChecked):
            self._write(encoded(Word("shown", why=why or None)))
            assert self._execution is not None
            self._execution.await_end(RECORDED_WITHIN)

    def events(self) -> Iterator[Event]:
        """Yield what the host program says, its end or answer last. Raise ``NotChecked`` if the channel is lost."""
        while True:
            assert self._execution is not None
            event = self._execution.next_event()
            if event is None:
                self._follow_again()
            elif not self._is_overtaken(event):
                self._conversation.events_seen += 1
                self._conversation.is_sending &= not isinstance(event, Received)
                if isinstance(event, End | AnswerEvent):
                    self.journal = self._head.judge(event.head) or self.journal
                    self._head.remember(event.head)
                yield event
                if isinstance(event, End | AnswerEvent):
                    return

    def close(self) -> None:
        """Close the connection. The host program goes on."""
        if self._execution is not None:
            self._execution.close()
        self.connection.close()

    def _is_overtaken(self, event: Event) -> bool:
        """Return whether an end is not the last word, because the attempt starts over or is followed again."""
        if not isinstance(event, End):
            return False
        if event.holder is not None and self._conversation.request.gone is None and is_orphan(event.holder):
            request = self._conversation.request
            self._conversation.request = replace(request, attempt=f"{request.attempt}b", gone=event.holder.attempt)
            self._conversation.events_seen = 0
            self._execute(self._conversation.request)
            return True
        if event.outcome == "cancelled" and not self._conversation.expects_cancel:
            self._conversation.expects_cancel = True
            with contextlib.suppress(NotChecked):  # a control node that slept learns what has become of its attempt
                self._follow_again()
                return True
        return False

    def _follow_again(self) -> None:
        """Connect to the same attempt again. Cancel it if its release was cut off half way."""
        if self._conversation.request.attempt is None:
            raise self._lost()
        self._patience.lose(self._conversation.events_seen)
        self._reconnect()
        if self._conversation.is_sending:
            why = "the connection was lost while the release was being sent. Run the command again"
            self.say(Word("cancel", why=why))
        elif self._conversation.last_word:
            self._repeat()

    def _reconnect(self) -> None:
        """Try to connect and follow until that succeeds. Raise ``NotChecked`` when patience ends."""
        request = self._conversation.request
        follow = Request("follow", self.app, self._root, attempt=request.attempt, seen=self._conversation.events_seen)
        while not self._patience.is_over:
            try:
                self.connection.close()
                self.connection = connect(self._host, self.machine)
                self._execute(follow)
                self._patience.restore()
                return
            except NotChecked:
                time.sleep(RETRY_EVERY)
        raise self._lost()

    def _execute(self, request: Request) -> None:
        if self._execution is not None:
            self._execution.close()
        self._execution = Execution(self.machine.name, self._root, self.connection)
        self.executions += 1
        self._execution.begin(request)
        self.has_begun = True

    def _repeat(self) -> None:
        with contextlib.suppress(NotChecked):  # whoever waits for the next event learns of the loss
            self._write(self._conversation.last_word)

    def _write(self, data: bytes) -> None:
        assert self._execution is not None
        self._execution.write(data)

    def _lost(self) -> NotChecked:
        return NotChecked(
            f"{self.machine.name}: the connection was lost and did not come back within {LOST_WITHIN:.0f} s. The host "
            "program goes on by itself after its switch, and cancels before it. Look with inv status"
        )


def require_app(name: str | None, host: str) -> str:
    """Return the application's name, which the path of its root on a machine needs."""
    if not name:
        raise BadInput(f"hosts.{host}: no application is named. Add app: {{name, path}} to the host or to invoke.yaml")
    return name
