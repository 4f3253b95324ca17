"""The append-only record: one JSON object a line, each with the hash of the line before."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace
from typing import Annotated, ClassVar, TypeAlias, TypedDict

from switchyard.core.steps import STEP_NAMES
from switchyard.core.wire import json_text
from switchyard.core.wire.message import Form, Json, Message, WireError, key, message
from switchyard.core.wire.request import Head
from switchyard.core.wire.terms import (
    AttemptId,
    ExitCode,
    Hash,
    HostName,
    NonEmpty,
    Positive,
    ReleaseId,
    Seconds,
    Target,
)

START = "0" * 16
VERBS = (
    *("deploy", "rollback", "restart", "scale", "shared.apply", "edge.apply", "edge.certificates", "unlock", "allow"),
    "preview",
)
"""The verbs that act on a host, and so leave an ``EndEntry``."""
OUTCOMES = (
    "live",
    "unverified",
    "unchanged",
    "repaired",
    "taken back",
    "held",
    "missing",
    "failed",
    "refused",
    "cancelled",
    "superseded",
    "restarted",
    "scaled",
    "applied",
    "unlocked",
    "allowed",
    "opened",
    "closed",
)
"""How an attempt ends, as its host program records it."""


class Author(TypedDict):
    """Whose entry it is: the fields that every entry of an attempt shares."""

    attempt: str
    release: str | None
    host: str | None


@message(frozen=True, kw_only=True)
class Entry(Message):
    """One line of the journal. The store fills in the chain and the times when it appends the line."""

    VERSION: ClassVar[int | None] = 1

    seq: Positive = 0
    before: Hash = ""
    """The hash of the line before; zeros for the first."""
    attempt: AttemptId
    release: ReleaseId | None
    host: HostName | None
    """The name of the host entry; null where the control node gave none."""
    wall: Seconds = 0.0
    """Seconds since the epoch."""
    boot: Seconds = 0.0
    """Seconds since the boot."""

    def encode(self) -> dict[str, Json]:
        """Return the line as JSON, its times last."""
        fields = super().encode()
        return {**{name: item for name, item in fields.items() if name not in ("wall", "boot")}, **self.times}

    @property
    def times(self) -> dict[str, Json]:
        """When it was written."""
        return {"wall": self.wall, "boot": self.boot}


@message(frozen=True, kw_only=True)
class StepEntry(Entry):
    """A step: its intent before, its outcome after."""

    step: Annotated[str, Form(choices=STEP_NAMES)]
    colour: Target | None
    what: Annotated[str, Form(choices=("intent", "done", "failed"))]
    seconds: Seconds | None = field(default=None, metadata=key(omitted=True))

    CONDITIONS: ClassVar[Mapping[str, Json]] = {
        "if": {"properties": {"what": {"const": "intent"}}},
        "then": {"properties": {"seconds": False}},
        "else": {"required": ["seconds"]},
    }


@message(frozen=True, kw_only=True)
class TakeoverEntry(Entry):
    """The lease was taken over from a dead or forced holder, or repaired by force."""

    step: Annotated[str, Form(choices=("takeover",))] = "takeover"
    what: str
    """From whom, and why; or what was damaged, and where it is kept."""


@message(frozen=True, kw_only=True)
class OverriddenEntry(Entry):
    """Checks of predeploy were left out or let through, or variables of the live release were dropped."""

    step: Annotated[str, Form(choices=("predeploy",))] = "predeploy"
    what: Annotated[str, Form(choices=("overridden",))] = "overridden"
    why: NonEmpty
    """The checks or variables, and the reason."""


@message(frozen=True, kw_only=True)
class WayBackEntry(Entry):
    """A way back begins. Its release is the one to go back to."""

    step: Annotated[str, Form(choices=("way_back",))] = "way_back"
    what: Annotated[str, Form(choices=("begins",))] = "begins"
    was: ReleaseId | None
    """The release to leave."""


@message(frozen=True, kw_only=True)
class EndEntry(Entry):
    """How an attempt ended."""

    step: Annotated[str, Form(choices=VERBS)]
    what: Annotated[str, Form(choices=OUTCOMES)]
    exit: ExitCode
    who: str
    was: ReleaseId | None
    """The release that was live when the attempt began."""
    why: str


@message(frozen=True, kw_only=True)
class ShownEntry(Entry):
    """A verb printed how an attempt ended, so that somebody was shown it."""

    step: Annotated[str, Form(choices=("end",))] = "end"
    what: Annotated[str, Form(choices=("shown",))] = "shown"
    why: str = field(default="", metadata=key(omitted=True))
    """Why the verb took the release for unverified after that end."""


AnyEntry: TypeAlias = "StepEntry | TakeoverEntry | OverriddenEntry | WayBackEntry | EndEntry | ShownEntry"
BY_STEP: Mapping[str, type[TakeoverEntry | WayBackEntry | ShownEntry]] = {
    "takeover": TakeoverEntry,
    "way_back": WayBackEntry,
    "end": ShownEntry,
}
"""The entries that their step alone tells from others."""


def decode(value: Json) -> AnyEntry:
    """Build the entry that a line holds. Raise ``WireError`` where it is none."""
    if not isinstance(value, Mapping):
        raise WireError("an entry of the journal is an object")
    if "exit" in value:
        return EndEntry.decode(value)
    kind = BY_STEP.get(str(value.get("step")))
    if kind is not None:
        return kind.decode(value)
    return OverriddenEntry.decode(value) if value.get("what") == "overridden" else StepEntry.decode(value)


def line(entry: Entry, *, before: str | None, seq: int, wall: float, boot: float, key: bytes = b"") -> str:
    """Return an entry as the next line, without its newline, after the line ``before``."""
    placed = replace(entry, seq=seq, before=digest(before, key), wall=wall, boot=boot)
    return json.dumps(placed.encode(), separators=(",", ":"))


def digest(line: str | None, key: bytes = b"") -> str:
    """Return the short hash by which a line names the one before; zeros where there is none.

    Without the key, which older versions lacked, anybody can make one.
    """
    if line is None:
        return START
    if key:
        return hashlib.blake2b(line.encode(), key=key, digest_size=8).hexdigest()
    return hashlib.sha256(line.encode()).hexdigest()[:16]


def head(lines: Sequence[str]) -> Head:
    """Return how far a journal goes, and the hash of all of it."""
    return Head(len(lines), hashlib.sha256("\n".join(lines).encode()).hexdigest())


def gone_since(lines: Sequence[str], seen: Head | None) -> str:
    """Return what is no longer as the control node saw it; nothing where the journal only went on since."""
    if seen is None or head(lines[: seen.lines]) == seen:
        return ""
    if len(lines) < seen.lines:
        return f"lines {len(lines) + 1} to {seen.lines} are gone, which this control node saw"
    return f"lines up to {seen.lines} are not those that this control node saw"


def read(lines: Iterable[str], *, key: bytes = b"", keyed_after: int = 0) -> tuple[list[AnyEntry], list[str]]:
    """Return the entries, and what is wrong: torn lines, broken chains, lines that are no entry.

    ``keyed_after``: the number of the last line that an older version wrote, without the key.
    """
    entries: list[AnyEntry] = []
    problems: list[str] = []
    before: str | None = None
    for number, line in enumerate((line.rstrip("\n") for line in lines), 1):
        try:
            value = json_text.parse(line)
            if not isinstance(value, Mapping):
                raise ValueError("it is no object")
        except ValueError:
            problems.append(f"line {number} is torn")
            before = line
            continue
        if value.get("before") != digest(before, key if number > keyed_after else b""):
            problems.append(f"line {number} does not follow line {number - 1}")
        before = line
        try:
            entries.append(decode(value))
        except WireError as error:
            problems.append(f"line {number} is no entry: {error}")
    return entries, problems
