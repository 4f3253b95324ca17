"""A section of foreign JSON is read key by key; a value of another shape is an error that names its path."""

from __future__ import annotations

import pytest

from switchyard.core.wire.message import WireError
from switchyard.core.wire.section import Section

SECTION = Section.of(
    {"text": "a b", "count": 2, "digits": "3", "on": True, "list": ["a", 1], "inner": {"key": "x"}, "none": None}, "top"
)


def test_each_shape_is_read_as_what_it_is():
    assert (SECTION.text("text"), SECTION.number("count"), SECTION.number("digits")) == ("a b", 2, 3)
    assert SECTION.flag("on") is True and SECTION.spelled("count") == "2" and SECTION.is_text("text")
    assert SECTION.words("text") == ("a", "b") and SECTION.words("list") == ("a", "1")
    assert SECTION.one_line("list") == "a 1" and SECTION.one_line("text") == "a b"
    assert SECTION.section("inner").text("key") == "x" and SECTION.has("inner")


@pytest.mark.parametrize("key", ["none", "absent"])
def test_an_absent_key_and_a_null_are_the_same(key):
    assert SECTION.text(key) is SECTION.number(key) is None and not SECTION.has(key)
    assert SECTION.flag(key, default=True) is True and SECTION.flag(key) is False
    assert SECTION.words(key) == () and SECTION.pairs(key) == {} and SECTION.section(key).raw == {}
    assert SECTION.part(key, Section.of) is None and SECTION.each(key, Section.of) == ()


def test_pairs_are_read_from_a_mapping_or_a_list_without_those_that_have_no_value():
    section = Section.of({"mapping": {"a": 1, "b": None, "c": ""}, "list": ["a=1", "b", "c=", "d=x=y"]}, "")
    assert section.pairs("mapping") == {"a": "1", "c": ""}
    assert section.pairs("list") == {"a": "1", "c": "", "d": "x=y"}


def test_entries_have_paths_of_their_own():
    section = Section.of({"list": [{}], "mapping": {"one": {}}, "names": ["two"]}, "top")
    assert [each.at for each in section.each("list", Section.of)] == ["top.list[0]"]
    assert section.named("mapping", Section.of)["one"].at == "top.mapping.one"
    assert section.named("names", Section.of)["two"].raw == {}


@pytest.mark.parametrize(
    "method,key,words",
    [
        ("text", "count", "top.count: expected text"),
        ("number", "text", "top.text: expected a whole number"),
        ("number", "on", "top.on: expected a whole number"),
        ("flag", "text", "top.text: expected true or false"),
        ("spelled", "list", "top.list: expected text or a number"),
        ("words", "inner", "top.inner: expected a list"),
        ("pairs", "text", "top.text: expected a list"),
        ("section", "list", "top.list: expected a mapping"),
    ],
)
def test_another_shape_is_an_error_with_its_path(method, key, words):
    with pytest.raises(WireError) as caught:
        getattr(SECTION, method)(key)
    assert str(caught.value) == words
