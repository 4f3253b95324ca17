"""The end of an attempt as the control node reads it, also where no program wrote one."""

from __future__ import annotations

import contextlib
import json
import sys
from dataclasses import replace
from pathlib import Path

from switchyard.core.errors import FAILED, SwitchyardError
from switchyard.core.wire.events import End, Event
from switchyard.core.wire.request import Request
from switchyard.host.adapters.disk import describe_full, has_room
from switchyard.host.adapters.store import Store
from switchyard.host.facts import live_release

KILLED = "the host program was killed. Run inv deploy or inv rollback once: it repairs what was left half done"


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
    """Send the end of an attempt that cannot tell it itself, with what is live. Return its exit code."""
    end = End(outcome, FAILED, reason)
    request = Request.decode(json.loads((folder / "request.json").read_text()))
    with contextlib.suppress(SwitchyardError):
        end = replace(end, live=live_release(Store(folder.parent.parent), request.app), looked=True)
    print_event(end)
    return end.exit


def end_killed(folder: Path) -> int:
    """Send the end of an attempt whose program was killed. Return its exit code."""
    root = folder.parent.parent
    return end_of(folder, KILLED if has_room(root) else describe_full(root), outcome="killed")


def as_of_now(end: End, store: Store) -> End:
    """Return a recorded end as it reads now.

    A cancelled attempt that another one followed says so: what is live may be the other's.
    """
    if end.outcome != "cancelled" or end.number in (0, store.lease.last_number()):
        return end
    reason = f"{end.reason}; another attempt has taken over here since, see inv history"
    return replace(end, outcome="superseded", exit=FAILED, reason=reason)
