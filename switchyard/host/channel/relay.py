"""Passes what the control node sends on to an attempt: words into ``said.jsonl``, a pack into ``pack``."""

from __future__ import annotations

import json
import os
import select
import time
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import IO

from switchyard.core.wire.request import Word
from switchyard.host.adapters.disk import Reserve
from switchyard.host.adapters.files import append
from switchyard.host.adapters.store import Store
from switchyard.host.channel.frames import FrameParser, PackPart
from switchyard.host.inbox import POLL

CHUNK = 1 << 20
"""Bytes that one read takes at most."""


class Relay:
    """Relays one stream until the control node closes it."""

    def __init__(self, words: IO[bytes], folder: Path, reserve: Reserve) -> None:
        self._descriptor = words.fileno()
        self._folder = folder
        self._reserve = reserve
        self._parser = FrameParser()
        self._pack: IO[bytes] | None = None
        self.is_open = True
        self.heard_at = time.monotonic()
        """When the control node last sent something."""
        self.has_switched = False
        """Whether the attempt switched, so that it needs nothing more from the control node."""
        self.shown: Word | None = None
        """The word that the end of the attempt was shown."""

    def __enter__(self) -> Relay:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._pack is not None:
            self._pack.close()

    def pass_on(self) -> None:
        """Pass on what came in, and wait a moment where nothing came."""
        if not self.is_open:
            time.sleep(POLL)
            return
        if not select.select([self._descriptor], [], [], POLL)[0]:
            return
        data = os.read(self._descriptor, CHUNK)
        self.is_open = bool(data)
        self.heard_at = time.monotonic()
        for frame in self._parser.feed(data):
            if isinstance(frame, PackPart):
                self._write_pack(frame.data)
                continue
            if frame.word.bytes:
                self._finish_pack()
            word = self._told(frame.word)
            if word.say == "shown":
                self.shown = word
            else:
                self._say(word)

    def _told(self, word: Word) -> Word:
        """Return a word as files may hold it: what the control node saw at the public address comes from outside."""
        if not word.why:
            return word
        from switchyard.host.queries.secrets import told  # loads slowly, and hardly any word needs it

        return replace(word, why=told(Store(self._folder.parent.parent), word.why))

    def _say(self, word: Word) -> None:
        line = json.dumps(word.encode()) + "\n"
        try:
            self._reserve.spending(lambda: append(self._folder / "said.jsonl", line))
        except OSError:
            if not self.has_switched:
                raise

    def _write_pack(self, data: bytes) -> None:
        if self._pack is None:
            part = os.open(self._folder / "pack.part", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            self._pack = os.fdopen(part, "wb")
        self._pack.write(data)

    def _finish_pack(self) -> None:
        assert self._pack is not None
        self._pack.close()
        self._pack = None
        os.replace(self._folder / "pack.part", self._folder / "pack")
