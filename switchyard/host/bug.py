"""A mistake of the host program itself, told without what it worked on."""

from __future__ import annotations

import traceback
from pathlib import Path


def describe_bug(error: BaseException) -> str:
    """Say where the host program failed. The error's own words may hold anybody's secrets, so they stay here."""
    frame = traceback.extract_tb(error.__traceback__)[-1:]
    place = "".join(f" at {Path(each.filename).name}:{each.lineno}" for each in frame)
    return f"the host program has a bug: {type(error).__name__}{place}"
