"""What the control node says to an attempt, one word a line of ``said.jsonl``."""

from __future__ import annotations

from pathlib import Path

from switchyard.core.errors import INTERRUPTED, SwitchyardError
from switchyard.core.wire import json_text
from switchyard.core.wire.message import WireError
from switchyard.core.wire.request import Word
from switchyard.host.adapters.kernel import now

POLL = 0.005
"""Seconds between two looks at what the other side of the channel wrote."""


class Cancelled(SwitchyardError):
    """Before the switch the control node went away or asked to stop."""

    exit = INTERRUPTED


class Inbox:
    """The words that an attempt received and did not use yet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._words: list[Word] = []
        self.heard_at = now()
        """When the last word came, in seconds since the boot. Any word counts as a beat."""

    @property
    def silence(self) -> float:
        """Seconds since the last word."""
        return now() - self.heard_at

    def hear(self, *, may_cancel: bool) -> None:
        """Read the words that came since the last call. Raise ``Cancelled`` at a cancel, where it still may."""
        for line in self._new_lines():
            try:
                word = Word.decode(json_text.parse(line))
            except (ValueError, WireError):  # a relay that was killed may have left half a word
                continue
            self.heard_at = now()
            if word.say == "cancel" and may_cancel:
                raise Cancelled(word.why or "cancelled by the operator before the switch")
            if word.say != "beat":
                self._words.append(word)

    def take(self, *names: str) -> Word | None:
        """Remove and return the oldest word of these names; None where there is none."""
        for word in self._words:
            if word.say in names:
                self._words.remove(word)
                return word
        return None

    def _new_lines(self) -> list[bytes]:
        try:
            with open(self._path, "rb") as file:
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            return []
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        return [line for line in whole.splitlines() if line]
