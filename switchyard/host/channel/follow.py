"""Follow an attempt to its end: its events go out, the control node's words go in."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import IO

from switchyard.core.errors import SwitchyardError
from switchyard.core.journal import ShownEntry
from switchyard.core.wire import events, json_text
from switchyard.core.wire.events import End
from switchyard.core.wire.message import Json
from switchyard.host.adapters.store import Store
from switchyard.host.channel.ends import as_of_now, end_killed, print_event, print_line, request_of
from switchyard.host.channel.relay import Relay
from switchyard.host.channel.tail import Tail
from switchyard.host.channel.watchdog import Watchdog

SHOWN_WITHIN = 300.0
"""Seconds of silence after which nobody waits any longer for the word that an end was shown."""


def follow(folder: Path, words: IO[bytes], *, seen: int = 0) -> int:
    """Pass on the events after the first ``seen``, and the words, until the program's end. Return the exit code."""
    store = Store(folder.parent.parent)
    watchdog = Watchdog(folder)
    with open(folder / "events.jsonl", errors="replace") as file, Relay(words, folder, store.reserve) as relay:
        tail = Tail(file)
        for _ in range(seen):
            relay.has_switched |= is_switched(tail.next_line() or "")
        while True:
            line = tail.next_line()
            if line is None and watchdog.finds_it_gone():
                line = tail.next_line()  # the program may have written its end just before it went
                if line is None:
                    return end_killed(folder)
            if line is None:
                relay.pass_on()
                continue
            value = value_of(line)
            if value is None:  # damaged: what the attempt did stands in the journal too
                continue
            if events.name_of(value) == events.END:
                return end(folder, store, value, relay)
            print_line(line)
            relay.has_switched |= is_switched(line)


def end(folder: Path, store: Store, value: Json, relay: Relay) -> int:
    """Pass on the last event of an attempt, and record whether somebody was shown it. Return its exit code."""
    (folder / "pack.part").unlink(missing_ok=True)
    last = events.decode(value)
    assert isinstance(last, End)
    last = as_of_now(last, store, folder)
    print_event(last)
    await_shown(folder, store, last, relay)
    return last.exit


def await_shown(folder: Path, store: Store, end: End, relay: Relay) -> None:
    """Wait until the control node says that it printed the end, and record that. A line that is cut says nothing."""
    while relay.shown is None and relay.is_open and time.monotonic() - relay.heard_at < SHOWN_WITHIN:
        relay.pass_on()
    if relay.shown is not None:
        with contextlib.suppress(SwitchyardError, OSError):
            record_shown(folder, store, end, relay.shown.why or "")


def record_shown(folder: Path, store: Store, end: End, why: str) -> None:
    """Record that the end of an attempt was shown. ``why``: why the control node then took a good release for less."""
    entry = ShownEntry(attempt=folder.name, release=end.release, host=request_of(folder).host, why=why)
    store.reserve.spending(lambda: store.journal.append(entry))
    if why and end.release is not None and store.lease.last_number() == end.number:
        store.releases.update(end.release, state="unverified")


def is_switched(line: str) -> bool:
    """Return whether a line holds the event of the switch."""
    return events.name_of(value_of(line)) == events.SWITCHED


def value_of(line: str) -> Json:
    """Return what a line of an attempt's file holds; None where it is damaged."""
    with contextlib.suppress(ValueError):
        return json_text.parse(line)
    return None
