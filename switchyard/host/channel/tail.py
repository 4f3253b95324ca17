"""The lines of a file that another process appends to."""

from __future__ import annotations

from typing import IO


class Tail:
    """Reads a growing file line by line."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._part = ""

    def next_line(self) -> str | None:
        """Return the next whole line; None where it is not there yet."""
        self._part += self._file.readline()
        if not self._part.endswith("\n"):
            return None
        line, self._part = self._part, ""
        return line
