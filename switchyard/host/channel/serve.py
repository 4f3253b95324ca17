"""Serve one request: answer a verb that only looks, or start the detached program of an attempt and follow it.

Each request needs either the queries or the program, and imports only that: it starts in half the time.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import IO

from switchyard.core.bug import describe_bug
from switchyard.core.errors import BAD_INPUT, FAILED, NOT_CHECKED, OK, Refused, SwitchyardError
from switchyard.core.journal import VERBS
from switchyard.core.outside_text import plain
from switchyard.core.wire.events import AnswerEvent
from switchyard.core.wire.request import Request, Word
from switchyard.host.adapters.disk import describe_full, is_full
from switchyard.host.adapters.files import append, write
from switchyard.host.adapters.kernel import now
from switchyard.host.adapters.life import living
from switchyard.host.adapters.store import Store
from switchyard.host.channel.ends import end_of, end_unread, end_with, print_event
from switchyard.host.channel.follow import follow

FOLLOW = "follow"
"""The verb that follows an attempt which runs already."""


def serve(request: Request, words: IO[bytes], *, typed_at: float | None = None) -> int:
    """Serve one request of the control node. Return the exit code.

    ``typed_at``: when its verb was typed at the latest, in seconds since the boot; None: now.
    """
    root = Path(os.path.expanduser(request.root))
    store = Store(root)
    folder = store.attempts / str(request.attempt)
    typed_at = now() if typed_at is None else typed_at
    try:
        if request.verb not in (*VERBS, FOLLOW):
            store.require_layout()
            print_event(answer(store, request))
            return OK
        store.prepare()
        if request.verb != FOLLOW:
            begin(folder, told_request(store, request))
    except SwitchyardError as error:
        outcome = "refused" if isinstance(error, Refused) else "failed"
        return end_with(error.exit, told(store, str(error)), outcome=outcome)
    except OSError as error:
        if not is_full(error):
            return end_with(BAD_INPUT, f"this SSH user cannot use {root}: {error}. Choose another `root` for the host")
        if not store.reserve.spend():
            return end_with(FAILED, describe_full(root))
        return serve(request, words, typed_at=typed_at)
    except Exception as error:
        return end_with(FAILED, describe_bug("the host program", error))
    if not (folder / "events.jsonl").exists():
        return end_with(NOT_CHECKED, "this host knows no such attempt", outcome="lost")
    if request.verb != FOLLOW:
        detach(store, folder, typed_at)
    return pass_on(store, folder, words, request.seen)


def pass_on(store: Store, folder: Path, words: IO[bytes], seen: int) -> int:
    """Follow an attempt to its end; where the disk is full, cancel it and tell that. Return the exit code."""
    try:
        return follow(folder, words, seen=seen)
    except BrokenPipeError:
        raise
    except (SwitchyardError, OSError) as error:
        if not isinstance(error, OSError) or not is_full(error):
            return end_unread(folder, str(error))
        reason = describe_full(store.root)
        store.reserve.spend()
        with contextlib.suppress(OSError):
            append(folder / "said.jsonl", json.dumps(Word("cancel", why=reason).encode()) + "\n")
        return end_of(folder, reason)
    except Exception as error:
        return end_unread(folder, describe_bug("the host program", error))


def answer(store: Store, request: Request) -> AnswerEvent:
    """Return the answer of a verb that only looks."""
    from switchyard.host.queries import QUERIES

    return AnswerEvent(QUERIES[request.verb](store, request).encode(), store.journal.head(request.head))


def told(store: Store, text: str) -> str:
    """Return a text from outside as the control node and the files of an attempt may have it."""
    from switchyard.host.queries import secrets  # an attempt without such a text does without

    return secrets.told(store, text)


def told_request(store: Store, request: Request) -> Request:
    """Return a request as the files of its attempt may hold it."""
    reason = told(store, request.reason) if request.reason else request.reason
    return replace(request, who=plain(request.who), reason=reason)


def begin(folder: Path, request: Request) -> None:
    """Create the files of an attempt, now that there are inodes: the reserve gives only one."""
    folder.mkdir(mode=0o700, exist_ok=True)
    write(folder / "request.json", json.dumps(request.encode()))
    for name in ("events.jsonl", "said.jsonl"):
        (folder / name).touch(mode=0o600)


def detach(store: Store, folder: Path, typed_at: float) -> None:
    """Start the program of an attempt in a session of its own, without the descriptors of this connection."""
    from switchyard.host import program

    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.closerange(3, 256)
    os.chdir("/")
    try:
        with living(folder, store.reserve) as lock:
            program.run(store.root, folder, typed_at, lock)
    finally:
        os._exit(0)
