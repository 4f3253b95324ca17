"""The events of an attempt: one JSON object a line of ``events.jsonl``, which the control node follows."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from switchyard.core.outside_text import shortened
from switchyard.core.wire.events import Event, Progress
from switchyard.core.wire.message import Json
from switchyard.host.adapters.disk import Reserve
from switchyard.host.adapters.files import append

FREE_TEXT = ("text", "reason", "commands", "subject")
"""Fields of events that hold what others wrote. The rest are names, which programs compare, and stay whole."""
WITH_FREE_TEXT = ("facts", "live")
"""Fields that have such fields."""


class EventLog:
    """The file that an attempt tells its events in."""

    def __init__(self, path: Path, reserve: Reserve, redact: Callable[[str], str]) -> None:
        self._path = path
        self._reserve = reserve
        self._redact = redact

    def emit(self, event: Event) -> None:
        """Append an event, its free text without secrets. On a full disk, spend the reserve."""
        line = json.dumps({**self._told(event.encode()), "at": round(time.time(), 3)})
        self._reserve.spending(lambda: append(self._path, line + "\n"))

    def progress(self, text: str, *, cut: int | None = None) -> None:
        """Tell what the attempt does now. ``cut`` counts open connections that ended with it."""
        self.emit(Progress(text, cut))

    def _told(self, fields: Mapping[str, Json]) -> dict[str, Json]:
        clean: dict[str, Json] = {}
        for name, item in fields.items():
            if name == "reason" and isinstance(item, str):
                item = shortened(self._redact(item))
            elif name in FREE_TEXT:
                item = self._clean(item)
            elif name in WITH_FREE_TEXT and isinstance(item, Mapping):
                item = self._told(item)
            clean[name] = item
        return clean

    def _clean(self, value: Json) -> Json:
        if isinstance(value, str):
            return self._redact(value)
        if isinstance(value, Mapping):
            return {name: self._clean(item) for name, item in value.items()}
        if isinstance(value, Sequence):
            return [self._clean(item) for item in value]
        return value
