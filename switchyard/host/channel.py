"""The channel that hello leaves open: starts the detached program, passes words on, and follows its events."""

from __future__ import annotations

import contextlib
import json
import os
import select
import sys
import time
from pathlib import Path
from typing import IO, Any

from switchyard.core.errors import FAILED, SwitchyardError
from switchyard.host import observe, program, reads
from switchyard.host.store import Store, full, is_full, process_start, write

POLL = 0.02
LOOK_EVERY = 1.0
LOST = {
    "outcome": "killed",
    "exit": FAILED,
    "reason": "the host program was killed. Type inv deploy or inv rollback once: it repairs what was left half done",
    "live": None,
    "before": None,
    "release": None,
}


def serve(request: dict[str, Any], words: IO[bytes]) -> int:
    """One request from the operator's side: a reading verb at once, an acting one detached and followed."""
    root = Path(os.path.expanduser(request["root"]))
    store = Store(root)
    try:
        store.prepare()
        if request["verb"] in reads.VERBS:
            _say({"v": 1, "event": "answer", "answer": reads.VERBS[request["verb"]](store, request)})
            return 0
    except SwitchyardError as error:
        _say({"v": 1, "event": "end", "outcome": "failed", "exit": error.exit, "reason": str(error)})
        return error.exit
    except OSError as error:
        if is_full(error):
            if store.spend_reserve():
                return serve(request, words)
            _say({"v": 1, "event": "end", "outcome": "failed", "exit": FAILED, "reason": full(root)})
            return FAILED
        _say(
            {
                "v": 1,
                "event": "end",
                "outcome": "failed",
                "exit": 2,
                "reason": f"{root} cannot be used by this SSH user: {error}. Choose another `root` for the host",
            }
        )
        return 2
    folder = store.attempts / request["attempt"]
    if request["verb"] == "follow" and not folder.is_dir():
        _say({"v": 1, "event": "end", "outcome": "lost", "exit": 1, "reason": "this host knows no such attempt"})
        return 1
    if request["verb"] == "follow":
        return _follow(folder, words, seen=int(request["seen"]))
    try:
        _begin(folder, request)
    except OSError as error:
        if not is_full(error) or not store.spend_reserve():
            raise
        _begin(folder, request)
    _detach(root, folder)
    try:
        return _follow(folder, words)
    except OSError as error:
        if not is_full(error):
            raise
        store.spend_reserve()
        with open(folder / "said.jsonl", "ab") as said:
            said.write(b'\n{"say": "cancel"}\n')
        _say({"v": 1, "event": "end", **LOST, "outcome": "failed", "reason": full(root), "live": _live(folder)})
        return FAILED


def _begin(folder: Path, request: dict[str, Any]) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    write(folder / "request.json", json.dumps(request))
    (folder / "events.jsonl").touch(mode=0o600)


def _is_gone(folder: Path) -> bool:
    """Whether the attempt's program was killed: it ends with an event else."""
    try:
        pid, started = (folder / "process").read_text().split()
    except (FileNotFoundError, ValueError):
        return False
    return process_start(int(pid)) != started


def _live(folder: Path) -> dict[str, Any] | None:
    """What is live after a program was killed; nothing where that cannot be told."""
    request = json.loads((folder / "request.json").read_text())
    with contextlib.suppress(SwitchyardError):
        live: dict[str, Any] | None = observe.facts(Store(folder.parent.parent), request["app"])["live"]
        return live
    return None


def _say(event: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def _detach(root: Path, folder: Path) -> None:
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
    write(folder / "process", f"{os.getpid()} {process_start(os.getpid())}")
    try:
        program.run(root, folder)
    finally:
        os._exit(0)


def _follow(folder: Path, words: IO[bytes], *, seen: int = 0) -> int:
    """Copies events out, those after the first ``seen``, and words in, until the program's last event."""
    descriptor = words.fileno()
    pending = b""
    missing = 0
    listening = True
    with (
        open(folder / "events.jsonl") as events,
        open(os.open(folder / "said.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb", buffering=0) as said,
        open(os.open(folder / "pack.part", os.O_WRONLY | os.O_CREAT, 0o600), "wb") as pack,
    ):
        for _ in range(seen):
            events.readline()
        line = ""
        announced = b""
        looked = time.monotonic()
        while True:
            line += events.readline()
            if line.endswith("\n"):
                sys.stdout.write(line)
                sys.stdout.flush()
                event = json.loads(line)
                line = ""
                if event["event"] == "end":
                    (folder / "pack.part").unlink(missing_ok=True)
                    return int(event["exit"])
                continue
            if time.monotonic() - looked > LOOK_EVERY:
                looked = time.monotonic()
                if _is_gone(folder) and not events.readline():
                    _say({"v": 1, "event": "end", **LOST, "live": _live(folder)})
                    return FAILED
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
                if missing:
                    part, pending = pending[:missing], pending[missing:]
                    pack.write(part)
                    missing -= len(part)
                    if not missing:
                        pack.flush()
                        os.replace(folder / "pack.part", folder / "pack")
                        said.write(announced)
                    continue
                head, newline, rest = pending.partition(b"\n")
                if not newline:
                    break
                pending = rest
                word = json.loads(head)
                if word.get("bytes"):
                    missing, announced = int(word["bytes"]), head + b"\n"
                else:
                    said.write(head + b"\n")
