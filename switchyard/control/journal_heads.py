"""How far each machine's journal went when this checkout last saw it, so that nobody can cut or rewrite it unseen."""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path

from switchyard.control.whole_file import write_whole
from switchyard.core.wire import json_text
from switchyard.core.wire.message import WireError
from switchyard.core.wire.request import Head

FIRST_SIGHT = (
    "this checkout sees the journal for the first time and trusts it: whether lines of before are gone is unknown. "
    "Keep {path} for the next time, in CI in a cache"
)
LACKS = "the journal lacks lines that this checkout saw, or has others in their place. inv history says which"


class JournalHead:
    """The head of one journal, as this checkout keeps it."""

    def __init__(self, checkout: Path, host: str, machine: str, root: str) -> None:
        name = hashlib.sha256("\0".join((host, machine, root)).encode()).hexdigest()[:16]
        self._path = checkout / ".switchyard" / "journals" / f"{name}.json"

    def known(self) -> Head | None:
        """Return the head; None where this checkout knows none, or its record is damaged."""
        with contextlib.suppress(OSError, ValueError, WireError):
            return Head.decode(json_text.parse(self._path.read_text()))
        return None

    def judge(self, head: Head | None) -> str:
        """Return what nobody can tell of a journal that goes as far as this; None where it lacks what was seen."""
        known = self.known()
        if known is None:
            return FIRST_SIGHT.format(path=self._path.parent) if head is not None and head.lines else ""
        return LACKS if head is None else ""

    def remember(self, head: Head | None) -> None:
        """Keep a head. A checkout that takes no file knows none."""
        if head is not None and head != self.known():
            with contextlib.suppress(OSError):
                write_whole(self._path, json.dumps(head.encode()))
