"""What a build takes from its context by name."""

from __future__ import annotations

import pytest

from switchyard.control.dockerfile import bases, copied


@pytest.mark.parametrize(
    "text,target,expected",
    [
        ("FROM a\nCOPY VERSION app.py ./\n", None, [(2, "VERSION"), (2, "app.py")]),
        ('FROM a\nCOPY ["with space", "b", "/srv/"]', None, [(2, "b"), (2, "with space")]),
        ("FROM a\nCOPY --chown=1:1 --link dist/ /srv", None, [(2, "dist/")]),
        ("FROM a\nADD https://example.org/x git@h:r.git y /srv/", None, [(2, "y")]),
        ("FROM a\nCOPY *.txt lock? $FILE ${FILE} ../up /srv/", None, []),
        ("FROM a\nCOPY one \\\n  # why\n  two \\\n  /srv/\nCOPY three /", None, [(2, "one"), (2, "two"), (6, "three")]),
        ("# COPY no /\nFROM a\n  # COPY no /\nRUN <<EOF\nCOPY no /\nEOF\ncopy yes /", None, [(7, "yes")]),
        ("FROM a\nCOPY <<EOF /srv/file\nCOPY no /\nEOF\nCOPY yes /", None, [(5, "yes")]),
        ("FROM a AS build\nCOPY src .\nFROM b\nCOPY --from=build /out /", None, [(2, "src")]),
        ("FROM a AS Build\nCOPY src .\nFROM b\nRUN --mount=type=bind,from=build,target=/b true", None, [(2, "src")]),
        ("FROM a AS base\nCOPY one .\nFROM base\nCOPY two .", None, [(2, "one"), (4, "two")]),
        ("FROM a\nCOPY one .\nFROM b\nCOPY --from=0 /x /", None, [(2, "one")]),
        ("FROM a AS tests\nCOPY fixtures .\nFROM a\nCOPY app .", None, [(4, "app")]),
        ("FROM a AS tests\nCOPY fixtures .\nFROM a\nCOPY app .", "tests", [(2, "fixtures")]),
        ("FROM --platform=$BUILDPLATFORM a AS x\nCOPY app .", "x", [(2, "app")]),
        ("FROM a\nCOPY 'torn", None, []),
        ("", None, []),
    ],
)
def test_names_that_the_wanted_stage_needs_are_told_with_their_line(text, target, expected):
    assert copied(text, target) == expected


@pytest.mark.parametrize(
    "text,target,args,expected",
    [
        ("FROM app:Dev", None, {}, ["app:Dev"]),
        (
            "FROM --platform=linux/amd64 team.example:5000/app AS x\nFROM x\nRUN true",
            None,
            {},
            ["team.example:5000/app"],
        ),
        ("FROM unused AS a\nFROM b AS c\nFROM c", None, {}, ["b"]),
        ("FROM a AS one\nFROM b AS two", "one", {}, ["a"]),
        (
            "FROM a\nCOPY --link --from=b:1 /x /x\nRUN --mount=type=bind,from=c/d:2,source=/x true",
            None,
            {},
            ["a", "b:1", "c/d:2"],
        ),
        ("FROM a AS s\nFROM b\nCOPY --from=s /x /x\nCOPY --from=0 /x /x", None, {}, ["a", "b"]),
        ("ARG BASE=a:1\nFROM $BASE", None, {}, ["a:1"]),
        ('ARG BASE="a:1"\nFROM ${BASE}', None, {"BASE": "b:2"}, ["b:2"]),
        ("ARG T\nFROM a:${T:-1}", None, {}, ["a:1"]),
        ("ARG T=2\nFROM a:${T-1}${T:+x}", None, {}, ["a:2x"]),
        ("FROM ${ELSEWHERE}", None, {"ELSEWHERE": "not declared"}, []),
        ("FROM scratch", None, {}, ["scratch"]),
        ("", None, {}, []),
    ],
)
def test_the_images_that_a_stage_starts_or_takes_files_from(text, target, args, expected):
    assert bases(text, target, args) == expected
