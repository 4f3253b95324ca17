"""The channel that hello leaves open: starts the detached program, passes words on, and follows its events."""

from __future__ import annotations

import contextlib
import json
import os
import select
import sys
import time
import traceback
from pathlib import Path
from typing import IO, Any

from switchyard.core.errors import BAD_INPUT, FAILED, Refused, SwitchyardError
from switchyard.core.wire.request import Request
from switchyard.host import program
from switchyard.host.adapters.disk import describe_full, has_room, is_full
from switchyard.host.adapters.files import append, write
from switchyard.host.adapters.kernel import process_start
from switchyard.host.adapters.store import Store
from switchyard.host.attempt import POLL
from switchyard.host.facts import collect_facts
from switchyard.host.queries import QUERIES

LOOK_EVERY = 1.0
BEGINS_WITHIN = 10.0
"""Seconds in which a program writes down which process it is."""
KILLED = "the host program was killed. Type inv deploy or inv rollback once: it repairs what was left half done"
LOST: dict[str, Any] = {
    "live": None,
    "looked": False,
    "before": None,
    "release": None,
}
"""The end of an attempt that could not tell its own, and did not look at what is live."""


def serve(request: dict[str, Any], words: IO[bytes]) -> int:
    """One request from the operator's side: a reading verb at once, an acting one detached and followed."""
    root = Path(os.path.expanduser(request["root"]))
    store = Store(root)
    follows = request["verb"] == "follow"
    folder = store.attempts / str(request.get("attempt"))
    try:
        if request["verb"] in QUERIES:
            store.require_layout()
            query = Request.decode({"v": 1, **{name: item for name, item in request.items() if item is not None}})
            _say({"v": 1, "event": "answer", "answer": QUERIES[query.verb](store, query).encode()})
            return 0
        store.prepare()
        if not follows:
            _begin(folder, request)
    except SwitchyardError as error:
        return _end_with(error.exit, str(error), outcome="refused" if isinstance(error, Refused) else "failed")
    except OSError as error:
        if is_full(error):
            if store.reserve.spend():
                return serve(request, words)
            return _end_with(FAILED, describe_full(root))
        told = f"{root} cannot be used by this SSH user: {error}. Choose another `root` for the host"
        return _end_with(BAD_INPUT, told)
    except Exception as error:  # told without its words, which may be anybody's
        at = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(at.filename).name}:{at.lineno}"
        return _end_with(FAILED, f"the host program met an error of its own: {type(error).__name__} at {where}")
    if not (folder / "events.jsonl").exists():
        return _end_with(FAILED, "this host knows no such attempt", outcome="lost")
    if not follows:
        _detach(store, folder)
    try:
        return _follow(folder, words, seen=int(request.get("seen", 0)))
    except OSError as error:
        if not is_full(error):
            raise
        told = describe_full(root)
        store.reserve.spend()
        with contextlib.suppress(OSError):
            append(folder / "said.jsonl", json.dumps({"say": "cancel", "why": told}) + "\n")
        return _end_with(FAILED, told, **_live(folder))


def _begin(folder: Path, request: dict[str, Any]) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    write(folder / "request.json", json.dumps(request))
    for name in ("events.jsonl", "said.jsonl"):  # now, while there are inodes: the reserve gives only one
        (folder / name).touch(mode=0o600)


def _is_gone(folder: Path) -> bool:
    """Whether the attempt's program was killed: it ends with an event else."""
    try:
        pid, started = (folder / "process").read_text().split()
    except (FileNotFoundError, ValueError):
        return time.time() - (folder / "request.json").stat().st_mtime > BEGINS_WITHIN
    return process_start(int(pid)) != started


def _live(folder: Path) -> dict[str, Any]:
    """What is live, and that it was looked at; empty where it could not be."""
    request = json.loads((folder / "request.json").read_text())
    with contextlib.suppress(SwitchyardError):
        live = collect_facts(Store(folder.parent.parent), request["app"]).live
        return {"live": live and live.encode(), "looked": True}
    return {}


def _end_with(code: int, reason: str, *, outcome: str = "failed", **fields: Any) -> int:
    """Says an end that no program has written."""
    _say({"v": 1, "event": "end", **LOST, "outcome": outcome, "exit": code, "reason": reason, **fields})
    return code


def _now(store: Store, event: dict[str, Any]) -> dict[str, Any]:
    """An event as it is to be told now: one that was cancelled, and has been followed by another attempt, says so."""
    if event.get("outcome") != "cancelled" or event.get("number") in (None, 0, store.lease.last_number()):
        return event
    why = f"{event['reason']}; another attempt has taken over here since, see inv history"
    return {**event, "outcome": "superseded", "exit": FAILED, "reason": why}


def _say(event: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def _detach(store: Store, folder: Path) -> None:
    """A process of its own session, without this connection's descriptors."""
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
        store.reserve.spending(lambda: write(folder / "process", f"{os.getpid()} {process_start(os.getpid())}"))
        program.run(store.root, folder)
    finally:
        os._exit(0)


def _follow(folder: Path, words: IO[bytes], *, seen: int = 0) -> int:
    """Copies events out, those after the first ``seen``, and words in, until the program's last event."""
    descriptor, store, said = words.fileno(), Store(folder.parent.parent), folder / "said.jsonl"
    pending = b""
    missing = 0
    listening = True
    switched = False

    def say(line: bytes) -> None:
        try:
            store.reserve.spending(lambda: append(said, line.decode()))
        except OSError:
            if not switched:  # from there on nothing that is said is needed
                raise

    pack: IO[bytes] | None = None
    with contextlib.ExitStack() as files:
        events = files.enter_context(open(folder / "events.jsonl"))
        for _ in range(seen):
            switched = '"event": "switched"' in events.readline() or switched
        line = ""
        announced = b""
        looked = time.monotonic()
        while True:
            line += "" if line.endswith("\n") else events.readline()
            if line.endswith("\n"):
                event = _now(store, json.loads(line))
                line = ""
                _say(event)
                switched = switched or event["event"] == "switched"
                if event["event"] == "end":
                    (folder / "pack.part").unlink(missing_ok=True)
                    return int(event["exit"])
                continue
            if time.monotonic() - looked > LOOK_EVERY:
                looked = time.monotonic()
                if _is_gone(folder):
                    last = events.readline()  # it may have said its end a moment before
                    if not last:
                        told = KILLED if has_room(store.root) else describe_full(store.root)
                        return _end_with(FAILED, told, outcome="killed", **_live(folder))
                    line += last
                    continue
            if not listening:
                time.sleep(POLL)
                continue
            if not select.select([descriptor], [], [], POLL)[0]:
                continue
            data = os.read(descriptor, 1 << 20)
            if not data:
                listening = False
                continue
            pending += data
            while pending:
                if pack is not None:
                    part, pending = pending[:missing], pending[missing:]
                    pack.write(part)
                    missing -= len(part)
                    if not missing:
                        pack.close()
                        pack = None
                        os.replace(folder / "pack.part", folder / "pack")
                        say(announced)
                    continue
                head, newline, rest = pending.partition(b"\n")
                if not newline:
                    break
                pending = rest
                word = json.loads(head)
                if word.get("bytes"):
                    missing, announced = int(word["bytes"]), head + b"\n"
                    opened = os.open(folder / "pack.part", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
                    pack = files.enter_context(open(opened, "wb"))
                else:
                    say(head + b"\n")
