"""The journal of a host: lines appended under the lock, each synced."""

from __future__ import annotations

import os
import time
from pathlib import Path

from switchyard.core import journal
from switchyard.core.journal import AnyEntry, Entry
from switchyard.host.adapters.kernel import now
from switchyard.host.adapters.lock import Lock


class Journal:
    """The journal of one application on this host."""

    def __init__(self, root: Path, lock: Lock) -> None:
        self._path = root / "journal.jsonl"
        self._lock = lock

    def append(self, entry: Entry) -> None:
        """Append an entry, with its place in the chain and its times."""
        with self._lock.hold():
            before, seq, is_torn = None, 0, False
            if self._path.exists():
                content = self._path.read_bytes()
                is_torn = bool(content) and not content.endswith(b"\n")
                lines = content.decode(errors="replace").splitlines()
                before, seq = (lines[-1] if lines else None), len(lines)
            line = journal.line(entry, before=before, seq=seq + 1, wall=round(time.time(), 3), boot=round(now(), 3))
            with open(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w") as file:
                file.write(("\n" if is_torn else "") + line + "\n")
                file.flush()
                os.fsync(file.fileno())

    def read(self) -> tuple[list[AnyEntry], list[str]]:
        """Return the entries, and what is wrong with the journal."""
        if not self._path.exists():
            return [], []
        return journal.read(self._path.read_text(errors="replace").splitlines())
