"""A channel that plays a given conversation: what a machine says, and after a cancel what it says then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from types import SimpleNamespace

from switchyard.core.errors import INTERRUPTED, NotChecked
from switchyard.core.wire.events import End, Event, Hello, Switched
from switchyard.core.wire.request import Request, Word
from tests.harness.machine_answers import FACTS, live_release

OLD, NEW = "20260101T000000Z-0000001", "20260102T000000Z-0000002"
HELLO = Hello(replace(FACTS, live=replace(live_release(), id=NEW), edge=()), {}, OLD)
SWITCHED = Switched("blue", OLD, "green", 0)


def end(outcome: str, code: int = 0, reason: str = "") -> End:
    """Return the end of a rollback from NEW to OLD."""
    live = replace(live_release(), id=OLD, state="good") if code == 0 else None
    return End(outcome, code, reason, live=live, looked=True, before=NEW, release=OLD)


CANCELLED = end("cancelled", INTERRUPTED, "cancelled by the operator before the switch")
BACK: tuple[Event, ...] = (HELLO, SWITCHED, end("live"))
PRESSED = (KeyboardInterrupt(),)
"""Ctrl-C instead of an event."""


class ToldChannel:
    """A channel without a connection."""

    app = "web"
    connection = None
    journal = ""

    def __init__(self, name: str, *events: Event | BaseException, after: Sequence[Event] = ()) -> None:
        self.machine = SimpleNamespace(name=name, address="127.0.0.1")
        self.script = list(events)
        self.after = after
        self.acts: list[str] = []
        """What was done with the channel, in order."""
        self.shown: list[str] = []
        """The words that its end was shown."""
        self.executions = 0
        self.has_begun = False

    def request(self, verb: str) -> Request:
        return Request(verb, self.app, "~/apps/web")

    def events(self) -> Iterator[Event]:
        while self.script:
            event = self.script.pop(0)
            if isinstance(event, BaseException):
                raise event
            yield event

    def start(self, request: Request) -> None:
        self.acts.append("start")
        if self.script and isinstance(self.script[0], NotChecked):
            error = self.script.pop(0)
            assert isinstance(error, NotChecked)
            raise error
        self.executions, self.has_begun = 1, True

    def say(self, word: Word) -> None:
        self.acts.append(word.say)

    def send(self, data: bytes) -> None:
        self.acts.append("send")

    def cancel(self) -> None:
        self.acts.append("cancel")
        self.script += self.after

    def acknowledge(self, why: str = "") -> None:
        self.shown.append(why)

    def close(self) -> None:
        self.acts.append("close")
