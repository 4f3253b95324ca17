"""Read JSON that anybody may have written or damaged, into values that every reader can work with.

Every JSON text of this program goes through ``parse``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence

from switchyard.core.errors import SwitchyardError
from switchyard.core.wire.message import Json

SIZE_MOST = 64 * 1024 * 1024
"""Characters or bytes of a text. Reading takes time in proportion to them, and to nothing else."""
DEPTH_MOST = 100
"""Lists and objects in one another. Whatever walks a value calls itself for each."""
DIGITS_MOST = 20
"""Digits of a whole number; Python takes minutes for some."""
LARGEST = 2**63
"""No whole number of ours, and no time, is as large: arithmetic with a larger one would fail somewhere else."""


class NotJson(SwitchyardError, ValueError):
    """A text that is no JSON, or that exceeds a limit."""


def parse(text: str | bytes, *, size_most: int = SIZE_MOST, depth_most: int = DEPTH_MOST) -> Json:
    """Return the value of a JSON text. Raise ``NotJson`` where it is none, or one that no program of ours writes."""
    if len(text) > size_most:
        raise NotJson(f"it has more than {size_most:,} characters")
    try:
        text = text if isinstance(text, str) else text.decode()
        value: Json = _DECODER.decode(text)
        if r"\ud" in text.lower():  # half a character: nothing could print or write it
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise NotJson("it is nested too deeply") from None
    except UnicodeEncodeError:
        raise NotJson("it holds half a character") from None
    except ValueError as error:
        raise NotJson(str(error)) from None
    _require_flat(value, depth_most)
    return value


def parse_object(text: str | bytes) -> Mapping[str, Json]:
    """Return the object that a text holds. Raise ``NotJson``."""
    value = parse(text)
    if not isinstance(value, Mapping):
        raise NotJson("it holds no object")
    return value


def parse_list(text: str | bytes) -> Sequence[Json]:
    """Return the list that a text holds. Raise ``NotJson``."""
    value = parse(text)
    if not isinstance(value, list):
        raise NotJson("it holds no list")
    return value


def _require_flat(value: Json, depth_most: int) -> None:
    """Raise ``NotJson`` where too many lists and objects stand in one another. Look at one level after another."""
    level, depth = [value], 0
    while level:
        inner: list[Json] = []
        for item in level:
            if type(item) is dict:
                inner += item.values()
            elif type(item) is list:
                inner += item
        level = [item for item in inner if type(item) is dict or type(item) is list]
        depth += 1
        if depth > depth_most:
            raise NotJson("it is nested too deeply")


def _whole(text: str) -> int:
    if len(text) > DIGITS_MOST or abs(int(text)) >= LARGEST:
        raise NotJson(f"the number {text[:20]}... is too large")
    return int(text)


def _real(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise NotJson(f"the number {text[:20]} is too large")
    return number


def _refuse(text: str) -> float:
    raise NotJson(f"{text} is no number")


_DECODER = json.JSONDecoder(parse_int=_whole, parse_float=_real, parse_constant=_refuse)
