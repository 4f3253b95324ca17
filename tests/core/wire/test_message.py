"""Messages: what converts, and how an error names the value that is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, ClassVar

import pytest

from switchyard.core.wire.message import Foreign, Form, Json, Message, WireError, key, message


@message(frozen=True)
class Part(Message):
    size: int
    note: str | None = None


@message(frozen=True)
class Whole(Message):
    VERSION: ClassVar[int | None] = 1
    MINOR: ClassVar[int] = 2

    name: str = field(metadata=key("Name"))
    parts: tuple[Part, ...]
    pair: tuple[str, int]
    by_name: Mapping[str, Part]
    raw: Json
    colour: Annotated[str, Form(choices=("blue", "green"))] = "blue"
    ratio: float | None = field(default=None, metadata=key(omitted=True))
    added: str = field(default="as before", metadata=key(since=2))


@message(frozen=True)
class Theirs(Foreign):
    id: str = field(metadata=key("Id"))
    ports: tuple[int, ...] = field(default=(), metadata=key("Ports"))


GOOD = {
    "v": 1,
    "Name": "n",
    "parts": [{"size": 1, "note": None}, {"size": 2}],
    "pair": ["a", 1],
    "by_name": {"x": {"size": 3}},
    "raw": [1, {"a": None}],
    "colour": "green",
}


def test_a_message_survives_the_way_to_json_and_back():
    whole = Whole.decode(GOOD)
    assert whole.parts == (Part(1), Part(2)) and whole.by_name == {"x": Part(3)} and whole.pair == ("a", 1)
    assert Whole.decode(whole.encode()) == whole
    assert list(whole.encode())[:3] == ["v", "minor", "Name"] and "ratio" not in whole.encode()


@pytest.mark.parametrize(
    "change,error",
    [
        ({"surplus": 1}, "surplus: is not a known field"),
        ({"Name": 3}, "Name: expected text, got a number"),
        ({"parts": [{"size": 1}, {"size": "2"}]}, "parts[1].size: expected a whole number, got text"),
        ({"parts": [{"size": True}]}, "parts[0].size: expected a whole number, got true or false"),
        ({"parts": [{}]}, "parts[0].size: is missing"),
        ({"parts": [{"size": 1, "extra": 0}]}, "parts[0].extra: is not a known field"),
        ({"parts": {}}, "parts: expected a list, got an object"),
        ({"pair": ["a"]}, "pair: expected a list of 2, got a list"),
        ({"pair": ["a", "b"]}, "pair[1]: expected a whole number, got text"),
        ({"by_name": {"x": 1}}, "by_name.x: expected an object, got a number"),
        ({"colour": "red"}, "colour: expected blue or green, got text"),
        ({"ratio": None}, "ratio: expected a number, got null"),
        ({"v": 2}, "v: expected 1, got 2: a newer Switchyard wrote it, update this one"),
        ({"v": "1"}, "v: expected 1, got '1'"),
        ({"minor": "x"}, "minor: expected a whole number, got text"),
    ],
)
def test_an_error_names_the_path_of_what_is_wrong_and_never_its_value(change, error):
    with pytest.raises(WireError) as raised:
        Whole.decode({**GOOD, **change})
    assert str(raised.value) == error


def test_a_missing_field_is_named_and_what_is_no_object_is_refused():
    with pytest.raises(WireError, match=r"^pair: is missing$"):
        Whole.decode({name: item for name, item in GOOD.items() if name != "pair"})
    with pytest.raises(WireError, match=r"^Whole: expected an object, got a list$"):
        Whole.decode([])


def test_a_field_that_an_older_minor_version_lacks_gets_its_default_and_a_newer_one_may_have_more():
    assert Whole.decode({**GOOD, "minor": 1}).added == "as before"
    with pytest.raises(WireError, match=r"^added: is missing$"):
        Whole.decode({**GOOD, "minor": 2})
    assert Whole.decode({**GOOD, "minor": 3, "added": "now", "unheard": {"of": 1}}).added == "now"
    with pytest.raises(WireError, match="unheard: is not a known field"):
        Whole.decode({**GOOD, "minor": 2, "added": "now", "unheard": 1})


def test_foreign_json_may_have_keys_that_nobody_reads_and_null_for_a_default():
    assert Theirs.decode({"Id": "x", "Ports": None, "Names": []}) == Theirs("x", ())
    with pytest.raises(WireError, match=r"^Ports\[0\]: expected a whole number, got text$"):
        Theirs.decode({"Id": "x", "Ports": ["80"]})
    with pytest.raises(WireError, match=r"^Id: is missing$"):
        Theirs.decode({})
