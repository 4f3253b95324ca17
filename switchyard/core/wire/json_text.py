"""Read JSON of files and streams, which anybody may have damaged, into values that every reader can work with."""

from __future__ import annotations

import json
import math

from switchyard.core.wire.message import Json

LARGEST = 2**63
"""No whole number of ours, and no time, is as large: arithmetic with a larger one would fail somewhere else."""


def parse(text: str | bytes) -> Json:
    """Return the value of a JSON text. Raise ``ValueError`` where it is none, or one that no program of ours writes."""
    try:
        text = text if isinstance(text, str) else text.decode()
        value: Json = _DECODER.decode(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if r"\ud" in text.lower():  # half a character: nothing could print or write it
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ValueError("it holds half a character") from None
    return value


def _whole(text: str) -> int:
    number = int(text)
    if abs(number) >= LARGEST:
        raise ValueError(f"the number {text[:20]}... is too large")
    return number


def _real(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {text[:20]} is too large")
    return number


def _refuse(text: str) -> float:
    raise ValueError(f"{text} is no number")


_DECODER = json.JSONDecoder(parse_int=_whole, parse_float=_real, parse_constant=_refuse)
