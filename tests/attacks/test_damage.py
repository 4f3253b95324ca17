"""Attacks by damaged files: a traceback, an endless read, a rollback that stops, or a lease that nobody frees."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import FrameType

import pytest

from switchyard.core import journal as entries
from switchyard.core.app import Route
from switchyard.core.errors import OK, SwitchyardError
from switchyard.core.journal import StepEntry
from switchyard.core.wire import json_text
from switchyard.core.wire.form import Form
from switchyard.core.wire.request import Request, Word
from switchyard.host import facts, hello, inbox, program
from switchyard.host import repair as repairing
from switchyard.host.adapters import engine, files, journal, layout, lease, proxy, releases, store
from switchyard.host.adapters.lease import LeaseHeld
from switchyard.host.adapters.proxy import Proxy
from switchyard.host.adapters.releases import Releases
from switchyard.host.adapters.store import Store
from switchyard.host.channel import ends, follow, watchdog
from switchyard.host.inbox import Inbox
from switchyard.host.verbs import rollback as verb
from tests.harness.attack import Attack, promises
from tests.harness.attempts import begin_attempt
from tests.harness.facts import FACTS
from tests.harness.release_record import record

MODULES = (files, journal, layout, lease, proxy, releases, store, ends)
"""The modules that read files by a function which they import."""


def prepared(folder: Path) -> Store:
    """Return a host with every file as Switchyard writes it."""
    made = Store(folder / "root")
    made.create()
    made.mark()
    made.releases.write(replace(record(1), id="R1"))
    files.write_json(made.release("R1") / "blue.json", {"services": {}})
    files.write_json(made.release("R1") / "values.json", ["secret"])
    files.write_json(made.root / "scale.json", {"web": 2})
    files.write(made.root / "number", "7\n")
    files.write(made.edge / "maps" / "live.map", "live blue\n")
    made.digest("make the key")
    made.journal.append(StepEntry(attempt="A1", release=None, host="prod", step="build", colour=None, what="intent"))
    made.lease.take("A1", "deploy", "ann@laptop")
    attempt = made.attempts / "A1"
    files.write_json(attempt / "request.json", Request("deploy", "web", str(made.root)).encode())
    files.write(attempt / "events.jsonl", '{"event": "switched"}\n')
    files.write(attempt / "said.jsonl", json.dumps(Word("beat").encode()) + "\n")
    files.write(attempt / "process", f"{os.getpid()} 1")
    return made


def take(made: Store) -> None:
    with contextlib.suppress(LeaseHeld):
        made.lease.take("B1", "deploy", "bob@desk")


def hear(made: Store) -> None:
    Inbox(made.attempts / "A1" / "said.jsonl").hear(may_cancel=True)


def add_to_journal(made: Store) -> None:
    made.journal.append(StepEntry(attempt="A2", release=None, host="prod", step="build", colour=None, what="intent"))
    made.journal.read()


READERS: dict[str, tuple[str, Callable[[Store], object]]] = {
    "the lease": ("lease.json", take),
    "a record": ("releases/R1/release.json", lambda made: made.releases.records()),
    "a document": ("releases/R1/blue.json", lambda made: made.releases.document("R1", "blue")),
    "the secret values": ("releases/R1/values.json", lambda made: made.releases.secrets("R1")),
    "the scales": ("scale.json", lambda made: made.scales()),
    "the number": ("number", lambda made: made.releases.next_number()),
    "the layout": ("layout", lambda made: made.require_layout()),
    "the key": ("key", lambda made: made.digest("value")),
    "the map": ("edge/maps/live.map", lambda made: Proxy(made).file_live()),
    "the journal": ("journal.jsonl", add_to_journal),
    "a request": ("attempts/A1/request.json", lambda made: ends.request_of(made.attempts / "A1")),
    "the events": ("attempts/A1/events.jsonl", lambda made: ends.has_touched_live(made.attempts / "A1")),
    "the words": (
        "attempts/A1/said.jsonl",
        lambda made: Inbox(made.attempts / "A1" / "said.jsonl").hear(may_cancel=True),
    ),
    "the process": ("attempts/A1/process", lambda made: watchdog.is_gone(made.attempts / "A1")),
}


def content(data: bytes) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        path.write_bytes(data)

    return damage


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/null")


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def endless(path: Path) -> None:
    os.truncate(path, files.LARGEST + 1)


def lease_with(**fields: object) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))

    return damage


def fails(name: str, damage: Callable[[Path], None]) -> Callable[[Path], bool]:
    """Return whether a reader fails other than by an error for people, or does not come back."""
    path, read = READERS[name]

    def gets_through(place: Path) -> bool:
        made = prepared(place)
        damage(made.root / path)
        before = signal.signal(signal.SIGALRM, hangs)
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        try:
            read(made)
        except SwitchyardError:
            return False
        except Exception:
            return True
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        return False

    return gets_through


def hangs(_: int, frame: FrameType | None) -> None:
    raise TimeoutError(f"it hangs at {frame}")


def reads(name: str) -> Callable[[Path], bool]:
    def twin(place: Path) -> bool:
        READERS[name][1](prepared(place))
        return True

    return twin


def read_raw(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read every file as it comes."""
    raw: dict[str, Callable[[Path], object]] = {
        "read_bytes": Path.read_bytes,
        "read_text": Path.read_text,
        "read_number": lambda path: int(path.read_text()),
        "read_json": lambda path: json.loads(path.read_text()),
    }
    for module in MODULES:
        for name, function in raw.items():
            if hasattr(module, name):
                monkeypatch.setattr(module, name, where_it_stands(function))
    for module in (entries, inbox, ends, follow):
        monkeypatch.setattr(module, "json_text", json_text)
    monkeypatch.setattr(json_text, "parse", json.loads)
    monkeypatch.setattr(inbox, "WireError", KeyboardInterrupt)
    monkeypatch.setattr(Form, "fits", lambda *_: True)


def read_words_raw(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the inbox and the watchdog take every line for what they expect."""

    def hear(box: Inbox, *, may_cancel: bool) -> None:
        for line in box._new_lines():
            Word.decode(json.loads(line))

    def is_gone(folder: Path) -> bool:
        pid, started, *_ = (folder / "process").read_text().split()
        return int(pid) < int(started)

    monkeypatch.setattr(Inbox, "hear", hear)
    monkeypatch.setattr(watchdog, "is_gone", is_gone)


def where_it_stands(read: Callable[[Path], object]) -> Callable[[Path], object]:
    return lambda path: read(path) if path.exists() else None


DEEP = b"[" * 100_000
DAMAGES: list[tuple[str, str, Callable[[Path], None], Callable[[pytest.MonkeyPatch], None]]] = [
    ("the lease", "nothing in it", content(b""), read_raw),
    ("the lease", "half of it", content(b'{"v": 1, "numb'), read_raw),
    ("the lease", "another folder", folder, read_raw),
    ("the lease", "a pipe that nobody writes to", pipe, read_raw),
    ("the lease", "a device", device, read_raw),
    ("the lease", "deep lists", content(DEEP), read_raw),
    ("the lease", "a time that no clock shows", lease_with(since=1e300), read_raw),
    ("the lease", "a time without an end", lease_with(since=float("inf")), read_raw),
    ("a record", "another encoding", content("{}".encode("utf-16")), read_raw),
    ("a record", "deep objects", content(b'{"a":' * 50_000), read_raw),
    ("a record", "more than memory should hold", endless, read_raw),
    ("a document", "half of it", content(b'{"services": {'), read_raw),
    ("the secret values", "half a character", content(b"\xc3"), read_raw),
    ("the scales", "half of it", content(b'{"web":'), read_raw),
    ("the number", "words", content(b"seven"), read_raw),
    ("the number", "more digits than fit", content(b"9" * 5000), read_raw),
    ("the layout", "nothing in it", content(b""), read_raw),
    ("the key", "bytes", content(b"\xff\xfe"), read_raw),
    ("the map", "bytes", content(b"live \xff\n"), read_raw),
    ("the journal", "another folder", folder, read_raw),
    ("the journal", "deep lists", content(DEEP + b"\n"), read_raw),
    ("a request", "half of it", content(b'{"v": 1'), read_raw),
    ("the events", "another folder", folder, read_raw),
    ("the words", "half a word", content(b'{"say": "be\n'), read_words_raw),
    ("the process", "words", content(b"this is it"), read_words_raw),
    ("the process", "bytes", content(b"\xff"), read_words_raw),
]


def rolled_back(place: Path) -> Store:
    """Return a host on which R2 is live, with a damaged record, and R1 was good before."""
    made = Store(place / "root")
    made.create()
    for number in (1, 2):
        made.releases.write(
            replace(record(number), front=("web",), images={"web": "here"}, routes=(Route("web", 80, 8080),))
        )
    return made


def roll_back(made: Store) -> bool:
    """Return whether a rollback from R2 to R1 is done."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hello, "collect_facts", lambda *_: replace(FACTS, live=facts._summary(made, "R2", "blue")))
        patch.setattr(engine, "image_id", lambda name: name)
        patch.setattr(verb, "drive", lambda *_: "live")
        attempt = begin_attempt(made, verb="rollback", app="shop")
        attempt.memory.verdict = "ok"
        try:
            return verb.rollback(attempt).exit == OK and attempt.wanted.id == "R1"
        except SwitchyardError:
            return False


def stops_a_rollback(part: str, data: bytes) -> Callable[[Path], bool]:
    def gets_through(place: Path) -> bool:
        made = rolled_back(place)
        (made.release("R2") / part).write_bytes(data)
        return not roll_back(made) or str(made.release("R2") / part) not in told(made)

    return gets_through


def told(made: Store) -> str:
    """Return what the attempt said after its hello, whose texts may be withheld for the same damage."""
    path = made.attempts / "one" / "events.jsonl"
    return "".join(path.read_text().splitlines()[1:]) if path.exists() else ""


def rolls_back(place: Path) -> bool:
    return roll_back(rolled_back(place))


def need_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Releases, "readable", Releases.record)
    monkeypatch.setattr(facts, "_unrecorded", lambda made, release, _: made.releases.require(release))
    monkeypatch.setattr(Releases, "problems", lambda *_, **__: [])


def unlocked(made: Store, *, force: bool) -> bool:
    attempt = made.attempts / "U1"
    attempt.mkdir()
    request = Request("unlock", "web", str(made.root), who="ann@laptop", reason="why", force=force)
    files.write_json(attempt / "request.json", request.encode())
    program.run(made.root, attempt)
    return json.loads((attempt / "events.jsonl").read_text().splitlines()[-1])["outcome"] == "unlocked"


def damaged_lease(place: Path, data: str = '{"number": 99999999999, ') -> Store:
    made = Store(place / "root")
    made.create()
    (made.root / "lease.json").write_text(data)
    return made


def is_stuck(place: Path) -> bool:
    """Leave a host locked for good by a damaged lease."""
    made = damaged_lease(place)
    return not unlocked(made, force=True)


def is_lost(place: Path) -> bool:
    """Make a repair delete the evidence."""
    made = damaged_lease(place)
    unlocked(made, force=True)
    kept = made.root / "lease.json.broken-1"
    return not kept.exists() or kept.read_text() != '{"number": 99999999999, '


def is_repaired_unasked(place: Path) -> bool:
    """Free a damaged lease, whoever holds it, without force."""
    return unlocked(damaged_lease(place), force=False)


def acts_after(place: Path) -> bool:
    """Act by the number of before the repair."""
    made = damaged_lease(place)
    unlocked(made, force=True)
    return made.lease.last_number() <= 99999999999


def unlocks(place: Path) -> bool:
    """The twin: a damaged lease is repaired by whoever asks for that, and the host can be used."""
    made = damaged_lease(place)
    return unlocked(made, force=True) and made.lease.take("B1", "deploy", "bob@desk").number > 0


def torn_journal_stays(place: Path) -> bool:
    """Leave a journal broken for good."""
    made = Store(place / "root")
    made.create()
    (made.root / "journal.jsonl").write_text('{"torn\n')
    unlocked(made, force=True)
    return bool(made.journal.read()[1])


def repair_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease.LeaseKeeper, "repair", lambda *_: None)
    monkeypatch.setattr(journal.Journal, "repair", lambda *_: None)


def repair_without_force(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repairing, "repair", lambda attempt: [attempt.store.lease.repair()])


def put_nothing_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "put_aside", lambda path: str(path.unlink()))


def forget_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "_remains", lambda _: b"")


ATTACKS = [
    *(
        Attack(f"{name}: {what}", fails(name, damage), reads(name), remove_defence)
        for name, what, damage, remove_defence in DAMAGES
    ),
    *(
        Attack(
            f"stop a rollback by the live release's {part}: {what}",
            stops_a_rollback(part, data),
            rolls_back,
            need_all,
        )
        for part, what, data in (
            ("release.json", "half of it", b'{"v": 1'),
            ("release.json", "nothing in it", b""),
            ("release.json", "another's", b"[]"),
            ("release.json", "bytes", b"\xff"),
            ("blue.json", "half of it", b'{"services"'),
        )
    ),
    Attack("lock a host for good by a damaged lease", is_stuck, unlocks, repair_nothing),
    Attack("lose the evidence by a repair", is_lost, unlocks, put_nothing_aside),
    Attack("free a damaged lease without force", is_repaired_unasked, unlocks, repair_without_force),
    Attack("act by a number of before the repair", acts_after, unlocks, forget_numbers),
    Attack("break a journal for good", torn_journal_stays, unlocks, repair_nothing),
]

test_refused, test_twin, test_defence = promises(ATTACKS)
