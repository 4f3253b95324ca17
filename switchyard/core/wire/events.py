"""What the host program says while an attempt runs: one JSON object a line, each told from the others by ``event``."""

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, ClassVar

from switchyard.core.app import Route
from switchyard.core.steps import TOUCHES_LIVE
from switchyard.core.wire.facts import Facts, LiveRelease
from switchyard.core.wire.message import Form, Json, Message, WireError, key, message
from switchyard.core.wire.request import Head, Holder
from switchyard.core.wire.terms import ExitCode


@message(frozen=True)
class Hold(Message):
    """Requests to exclusive services waited while these were replaced."""

    seconds: float | None
    """From the first to the last that had to wait; null where an earlier attempt began it."""
    longest: float
    """Seconds that the longest waited."""
    refused: int
    """How many waited for as long as they may, and got 503 with a time to ask again."""


@message(frozen=True)
class Event(Message):
    """One line of an attempt's file."""

    VERSION: ClassVar[int | None] = 1


@message(frozen=True)
class Hello(Event):
    """The lease is held; the control node may send."""

    TAG: ClassVar[tuple[str, str] | None] = ("event", "hello")

    facts: Facts
    usual: Mapping[str, float]
    """Step to the seconds that it usually takes here."""
    release: str | None = field(default=None, metadata=key(omitted=True))
    """``rollback``: the release that it goes back to."""
    routes: tuple[Route, ...] = field(default=(), metadata=key(omitted=True))
    """Its routes at the addresses where the edge holds them."""


@message(frozen=True)
class Received(Event):
    """The release is on the host."""

    TAG: ClassVar[tuple[str, str] | None] = ("event", "received")

    release: str


@message(frozen=True)
class WayBack(Message):
    """The release that a rollback would go to."""

    release: str
    front: str
    """How its routed and plain services are; see ``Slot.front``."""


@message(frozen=True)
class Prepared(Event):
    """The idle colour is healthy and smoked."""

    TAG: ClassVar[tuple[str, str] | None] = ("event", "prepared")

    rollback: WayBack | None
    weak: tuple[str, ...]
    """Services without a check."""


@message(frozen=True)
class Confirm(Event):
    """What an apply interrupts, for the operator to agree to."""

    TAG: ClassVar[tuple[str, str] | None] = ("event", "confirm")

    text: str


@message(frozen=True)
class StepBegins(Event):
    """A step starts."""

    TAG: ClassVar[tuple[str, str] | None] = ("event", "step")

    step: str
    colour: str | None
    state: Annotated[str, Form(choices=("begins",))] = "begins"


@message(frozen=True)
class StepEnds(Event):
    """A step ended."""

    TAG: ClassVar[tuple[str, str] | None] = ("event", "step")

    step: str
    colour: str | None
    state: Annotated[str, Form(choices=("done", "failed"))]
    seconds: float
    commands: tuple[str, ...]
    """The commands that it ran, as the plan shows them."""


@message(frozen=True)
class Progress(Event):
    """What a step does meanwhile."""

    TAG: ClassVar[tuple[str, str] | None] = ("event", "progress")

    text: str
    cut: int | None = field(default=None, metadata=key(omitted=True))
    """How many open connections of a colour ended with it."""


@message(frozen=True)
class Switched(Event):
    """Traffic moved."""

    TAG: ClassVar[tuple[str, str] | None] = ("event", "switched")

    colour: str
    release: str | None
    was: str
    """The colour that traffic left."""
    left: int
    """Connections that stayed open on it."""


@message(frozen=True)
class LetThrough(Event):
    """What the edge held goes on."""

    TAG: ClassVar[tuple[str, str] | None] = ("event", "let through")

    hold: Hold


@message(frozen=True)
class Look(Event):
    """The host asks the control node to look at the public address."""

    TAG: ClassVar[tuple[str, str] | None] = ("event", "look")

    release: str


@message(frozen=True)
class End(Event):
    """How an attempt ended, and what is live."""

    TAG: ClassVar[tuple[str, str] | None] = ("event", "end")

    outcome: str
    exit: ExitCode
    reason: str
    live: LiveRelease | None = None
    looked: bool = False
    """Whether ``live`` was observed; otherwise nothing is known of it."""
    before: str | None = None
    """The release that was live when the attempt began."""
    release: str | None = None
    """The release that the attempt was about."""
    number: int = 0
    """The attempt's fencing number; 0 where it never held the lease."""
    weak: tuple[str, ...] = ()
    holder: Holder | None = None
    """Who holds the lease, where that ended the attempt."""
    warm_until: float | None = None
    """Until when the release before stays up, in seconds since the epoch."""
    head: Head | None = field(default=None, metadata=key(omitted=True))
    """How far the journal goes now, for the control node to keep."""


@message(frozen=True)
class AnswerEvent(Event):
    """The answer of a verb that only looks; each verb has an answer type of its own."""

    TAG: ClassVar[tuple[str, str] | None] = ("event", "answer")

    answer: Mapping[str, Json]
    head: Head | None = field(default=None, metadata=key(omitted=True))
    """How far the journal goes now, for the control node to keep."""


EVENTS: Mapping[str, type[Event]] = {
    kind.TAG[1]: kind
    for kind in (Hello, Received, Prepared, Confirm, Progress, Switched, LetThrough, Look, End, AnswerEvent)
    if kind.TAG is not None
}
"""The type of each ``event``, steps apart: those have two types under one name."""


END = "end"
SWITCHED = "switched"


def name_of(value: Json) -> str:
    """Return which event a line holds, without reading the rest of it; empty where it holds none."""
    return str(value.get("event", "")) if isinstance(value, Mapping) else ""


def touches_live(value: Json) -> bool:
    """Return whether a line tells that an attempt began to change what is live, without reading the rest of it."""
    name = name_of(value)
    return name == SWITCHED or (name == "step" and isinstance(value, Mapping) and value.get("step") in TOUCHES_LIVE)


def decode(value: Json) -> Event:
    """Build the event that a line of an attempt's file holds. Raise ``WireError`` where it is none."""
    if not isinstance(value, Mapping):
        raise WireError("an event is an object")
    name = value.get("event")
    if name == "step":
        kind: type[Event] = StepBegins if value.get("state") == "begins" else StepEnds
    elif isinstance(name, str) and name in EVENTS:
        kind = EVENTS[name]
    else:
        raise WireError(f"event: {name!r} is not known")
    return kind.decode({name: item for name, item in value.items() if name != "at"})
