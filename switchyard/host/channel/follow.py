"""Follow an attempt to its end: its events go out, the control node's words go in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO

from switchyard.core.wire import events
from switchyard.core.wire.events import End
from switchyard.core.wire.message import Json
from switchyard.host.adapters.store import Store
from switchyard.host.channel.ends import as_of_now, end_killed, print_event, print_line
from switchyard.host.channel.relay import Relay
from switchyard.host.channel.tail import Tail
from switchyard.host.channel.watchdog import Watchdog


def follow(folder: Path, words: IO[bytes], *, seen: int = 0) -> int:
    """Pass on the events after the first ``seen``, and the words, until the program's end. Return the exit code."""
    store = Store(folder.parent.parent)
    watchdog = Watchdog(folder)
    with open(folder / "events.jsonl") as file, Relay(words, folder, store.reserve) as relay:
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
            value: Json = json.loads(line)
            if events.name_of(value) == events.END:
                return end(folder, store, value)
            print_line(line)
            relay.has_switched |= is_switched(line)


def end(folder: Path, store: Store, value: Json) -> int:
    """Pass on the last event of an attempt. Return its exit code."""
    (folder / "pack.part").unlink(missing_ok=True)
    last = events.decode(value)
    assert isinstance(last, End)
    last = as_of_now(last, store, folder)
    print_event(last)
    return last.exit


def is_switched(line: str) -> bool:
    """Return whether a line holds the event of the switch."""
    return bool(line) and events.name_of(json.loads(line)) == events.SWITCHED
