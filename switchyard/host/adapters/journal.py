"""The journal of a host: lines appended under the lock, each synced."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import TypedDict

from switchyard.core import journal
from switchyard.core.journal import AnyEntry, Author, Entry, TakeoverEntry
from switchyard.core.wire.request import Head
from switchyard.host.adapters.files import DamagedFile, put_aside, read_bytes, write
from switchyard.host.adapters.journal_key import JournalKey
from switchyard.host.adapters.kernel import now
from switchyard.host.adapters.lock import Lock

REPAIR = (
    "inv unlock --force --reason WHY puts the journal aside, where it is kept, and goes on with what can be read of it"
)


class Journal:
    """The journal of one application on this host."""

    def __init__(self, root: Path, lock: Lock) -> None:
        self._path = root / "journal.jsonl"
        self._key = JournalKey(root)
        self._lock = lock

    def append(self, entry: Entry) -> None:
        """Append an entry, with its place in the chain and its times."""
        with self._lock.hold():
            self._append(entry)

    def read(self) -> tuple[list[AnyEntry], list[str]]:
        """Return the entries, and what is wrong with the journal."""
        try:
            key = self._key.read()
            return journal.read(self._lines(), key=key.secret, keyed_after=key.after)
        except DamagedFile as error:
            return self._unkeyed(str(error))

    def problems(self, seen: Head | None = None) -> tuple[str, ...]:
        """Return what is wrong with the journal, also since the control node saw it, and what to do about it."""
        problems = self.read()[1]
        with contextlib.suppress(DamagedFile):
            problems += filter(None, [journal.gone_since(self._lines(), seen)])
        return (*problems, REPAIR) if problems else ()

    def head(self, seen: Head | None = None) -> Head | None:
        """Return how far the journal goes; None where it lacks what the control node saw."""
        with contextlib.suppress(DamagedFile):
            lines = self._lines()
            return None if journal.gone_since(lines, seen) else journal.head(lines)
        return None

    def _unkeyed(self, problem: str) -> tuple[list[AnyEntry], list[str]]:
        """Return the entries where the journal or its key cannot be read."""
        with contextlib.suppress(DamagedFile):
            return journal.read(self._lines())[0], [problem]
        return [], [problem]

    def repair(self, author: Author) -> str | None:
        """Put a broken journal aside, and write what can be read of it anew.

        Return what was done, which the first line of the new one says too; None where the journal is whole.
        """
        with self._lock.hold():
            entries, problems = self.read()
            if not problems:
                return None
            more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
            done = f"{self._path.name} was broken: {problems[0]}{more}. It is kept as {put_aside(self._path)}"
            lines: list[str] = []
            key = self._key.make(0).secret
            for entry in (TakeoverEntry(**author, what=done, **_times()), *entries):
                before, seq = (lines[-1] if lines else None), len(lines) + 1
                lines.append(journal.line(entry, before=before, seq=seq, wall=entry.wall, boot=entry.boot, key=key))
            write(self._path, "".join(f"{line}\n" for line in lines))
            return done

    def _append(self, entry: Entry) -> None:
        content = self._content()
        is_torn = bool(content) and not content.endswith("\n")
        lines = content.splitlines()
        before, key = (lines[-1] if lines else None), self._chain_key(len(lines))
        line = journal.line(entry, before=before, seq=len(lines) + 1, key=key, **_times())
        with open(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w") as file:
            file.write(("\n" if is_torn else "") + line + "\n")
            file.flush()
            os.fsync(file.fileno())

    def _chain_key(self, lines: int) -> bytes:
        """Return the key for the next line. One that is damaged stops no attempt: whoever reads it learns of that."""
        try:
            key = self._key.read()
            return key.secret if key.secret and key.after <= lines else self._key.make(lines).secret
        except DamagedFile:
            return b""

    def _lines(self) -> list[str]:
        return self._content().splitlines()

    def _content(self) -> str:
        return (read_bytes(self._path) or b"").decode(errors="replace")


class Times(TypedDict):
    """When an entry is written."""

    wall: float
    boot: float


def _times() -> Times:
    return {"wall": round(time.time(), 3), "boot": round(now(), 3)}
