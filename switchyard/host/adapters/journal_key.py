"""The key of a journal's chain. It lies apart from the application's folder: who edits the journal lacks it there."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from pathlib import Path

from switchyard.core.wire.message import Message, message
from switchyard.core.wire.terms import Count
from switchyard.host.adapters.files import DamagedFile, read_message, write_json


@message(frozen=True)
class Key(Message):
    """A key, and from where on the chain has it."""

    key: str
    """In hexadecimal digits."""
    after: Count
    """The number of the last line that was written without it."""

    @property
    def secret(self) -> bytes:
        """The key itself; empty where there is none."""
        return bytes.fromhex(self.key)


NO_KEY = Key("", 0)


class JournalKey:
    """The key of one application's journal on this host."""

    def __init__(self, root: Path) -> None:
        self._name = f"{hashlib.sha256(os.path.realpath(root).encode()).hexdigest()[:16]}.json"
        self._beside = root / "journal.key"
        """Where the home folder of this user takes no file."""

    def read(self) -> Key:
        """Return the key; an empty one where there is none. Raise ``DamagedFile`` where it cannot be read."""
        for path in (self._apart, self._beside):
            key = read_message(path, Key)
            if key is not None:
                if not re.fullmatch("[0-9a-f]{64}", key.key):
                    raise DamagedFile(path, "it holds no key")
                return key
        return NO_KEY

    def make(self, after: int) -> Key:
        """Make a key for what follows that many lines. Return an empty one where it cannot be kept."""
        key = Key(secrets.token_hex(32), after)
        for path in (self._apart, self._beside):
            try:
                write_json(path, key.encode())
                return key
            except OSError:
                continue
        return NO_KEY

    @property
    def _apart(self) -> Path:
        state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        return Path(state) / "switchyard" / "journals" / self._name
