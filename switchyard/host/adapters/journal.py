"""The journal of a host: lines appended under the lock, each synced."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TypedDict

from switchyard.core import journal
from switchyard.core.journal import AnyEntry, Author, Entry, TakeoverEntry
from switchyard.host.adapters.files import DamagedFile, put_aside, read_bytes, write
from switchyard.host.adapters.kernel import now
from switchyard.host.adapters.lock import Lock

REPAIR = (
    "inv unlock --force --reason WHY puts the journal aside, where it is kept, and goes on with what can be read of it"
)


class Journal:
    """The journal of one application on this host."""

    def __init__(self, root: Path, lock: Lock) -> None:
        self._path = root / "journal.jsonl"
        self._lock = lock

    def append(self, entry: Entry) -> None:
        """Append an entry, with its place in the chain and its times."""
        with self._lock.hold():
            self._append(entry)

    def read(self) -> tuple[list[AnyEntry], list[str]]:
        """Return the entries, and what is wrong with the journal."""
        try:
            return journal.read(self._content().splitlines())
        except DamagedFile as error:
            return [], [str(error)]

    def problems(self) -> tuple[str, ...]:
        """Return what is wrong with the journal, and what to do about it."""
        problems = self.read()[1]
        return (*problems, REPAIR) if problems else ()

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
            for entry in (TakeoverEntry(**author, what=done, **_times()), *entries):
                before = lines[-1] if lines else None
                lines.append(journal.line(entry, before=before, seq=len(lines) + 1, wall=entry.wall, boot=entry.boot))
            write(self._path, "".join(f"{line}\n" for line in lines))
            return done

    def _append(self, entry: Entry) -> None:
        content = self._content()
        is_torn = bool(content) and not content.endswith("\n")
        lines = content.splitlines()
        line = journal.line(entry, before=lines[-1] if lines else None, seq=len(lines) + 1, **_times())
        with open(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w") as file:
            file.write(("\n" if is_torn else "") + line + "\n")
            file.flush()
            os.fsync(file.fileno())

    def _content(self) -> str:
        return (read_bytes(self._path) or b"").decode(errors="replace")


class Times(TypedDict):
    """When an entry is written."""

    wall: float
    boot: float


def _times() -> Times:
    return {"wall": round(time.time(), 3), "boot": round(now(), 3)}
