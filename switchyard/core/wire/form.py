"""What a text or a number of a message looks like."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Form:
    """What an annotated text or number looks like. The schemas carry all of it."""

    choices: tuple[str | int, ...] = ()
    pattern: str = ""
    least: int | None = None
    most: int | None = None
    is_checked: bool = False
    """Whether decoding checks the pattern and the limits, as it always checks ``choices``: for what reaches a generated
    file."""

    def fits(self, value: str | float) -> bool:
        """Return whether a whole text has the pattern, or a number is within the limits."""
        if isinstance(value, str):
            return re.fullmatch(self.pattern, value) is not None
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    @property
    def expected(self) -> str:
        """Say what fits, for an error."""
        return f"expected {self.pattern}" if self.pattern else f"expected {self._limits}"

    @property
    def _limits(self) -> str:
        if self.most is None:
            return f"a number of {self.least} or more"
        return f"a number from {self.least} to {self.most}"
