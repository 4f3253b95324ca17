"""The end of an attempt as the control node reads it, also where no program wrote one."""

from __future__ import annotations

import contextlib
import json
import sys
from dataclasses import replace
from pathlib import Path

from switchyard.core.errors import FAILED, UNVERIFIED, SwitchyardError
from switchyard.core.steps import SWITCHING
from switchyard.core.wire import events, json_text
from switchyard.core.wire.events import End, Event
from switchyard.core.wire.request import Request
from switchyard.host.adapters.disk import describe_full, has_room
from switchyard.host.adapters.files import DamagedFile, read_bytes, read_message
from switchyard.host.adapters.store import Store
from switchyard.host.facts import live_release

KILLED = "the host program was killed{when}. {repair}"
AFTER = " after it had begun to change what is live"
REPAIR = "Run inv deploy or inv rollback once: it repairs what was left half done"
REPEAT = "Run inv {verb} again: it finishes what was left half done"


def print_line(line: str) -> None:
    """Send a line to the control node at once."""
    sys.stdout.write(line)
    sys.stdout.flush()


def print_event(event: Event) -> None:
    """Send an event to the control node."""
    print_line(json.dumps(event.encode()) + "\n")


def end_with(code: int, reason: str, *, outcome: str = "failed") -> int:
    """Send an end that no program wrote, of an attempt that did not look at what is live. Return its exit code."""
    print_event(End(outcome, code, reason))
    return code


def end_of(folder: Path, reason: str, *, outcome: str = "failed") -> int:
    """Send the end of an attempt that cannot tell it itself, with what is live. Return its exit code.

    Only before it touched what is live does the exit code say that nothing live changed.
    """
    end = End(outcome, UNVERIFIED if has_touched_live(folder) else FAILED, reason)
    end = with_live(end, Store(folder.parent.parent), request_of(folder).app)
    print_event(end)
    return end.exit


def end_unread(folder: Path, reason: str) -> int:
    """Send the end of an attempt whose files cannot be read: what it did is unknown. Return its exit code."""
    try:
        touched = has_touched_live(folder)
    except SwitchyardError:
        touched = True
    return end_with(UNVERIFIED if touched else FAILED, f"{reason}. See inv status and inv history")


def end_killed(folder: Path) -> int:
    """Send the end of an attempt whose program was killed. Return its exit code."""
    root, verb = folder.parent.parent, request_of(folder).verb
    when = AFTER if has_touched_live(folder) else ""
    killed = KILLED.format(when=when, repair=REPAIR if verb in SWITCHING else REPEAT.format(verb=verb))
    return end_of(folder, killed if has_room(root) else describe_full(root), outcome="killed")


def has_touched_live(folder: Path) -> bool:
    """Return whether an attempt has begun to change what is live, by its events and by the lease that it left."""
    with contextlib.suppress(DamagedFile):
        lease = Store(folder.parent.parent).lease.current()
        if lease is not None and lease.attempt == folder.name and lease.switched:
            return True
    for line in (read_bytes(folder / "events.jsonl") or b"").splitlines():
        with contextlib.suppress(ValueError):  # the last line may be torn
            if events.touches_live(json_text.parse(line)):
                return True
    return False


def with_live(end: End, store: Store, app: str) -> End:
    """Return an end with what is live now; unknown where this machine does not tell."""
    try:
        return replace(end, live=live_release(store, app), looked=True)
    except SwitchyardError:
        return replace(end, live=None, looked=False)


def as_of_now(end: End, store: Store, folder: Path) -> End:
    """Return a recorded end as it reads now: where another attempt followed, what is live may be the other's.

    A cancelled attempt says so.
    """
    if end.number in (0, store.lease.last_number()):
        return end
    end = with_live(end, store, request_of(folder).app)
    if end.outcome != "cancelled":
        return end
    reason = f"{end.reason}; another attempt has taken over here since, see inv history"
    return replace(end, outcome="superseded", exit=FAILED, reason=reason)


def request_of(folder: Path) -> Request:
    """Return the request of an attempt."""
    path = folder / "request.json"
    request = read_message(path, Request)
    if request is None:
        raise DamagedFile(path, "it is gone")
    return request
