"""What a build takes from its context by name."""

from __future__ import annotations

import pytest

from switchyard.core.dockerfile import Recipe, bases, copied, recipe


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


@pytest.mark.parametrize(
    "text,build,base",
    [
        ("FROM postgres:17", {}, "postgres:17"),
        ("from --platform=linux/amd64 postgres:17 as DB", {}, "postgres:17"),
        ("FROM postgres:17 AS db\nFROM python:3", {}, "python:3"),
        ("FROM postgres:17 AS db\nFROM python:3", {"target": "db"}, "postgres:17"),
        ("FROM postgres:17 AS db\nFROM python:3", {"target": "DB"}, "postgres:17"),
        ("FROM postgres:17\nFROM python:3", {"target": "0"}, "postgres:17"),
        ("FROM postgres:17 AS Base\nRUN true\nFROM base AS more\nFROM more", {}, "postgres:17"),
        ("FROM python:3 AS tools\nFROM postgres:17\nCOPY --from=tools /x /x", {}, "postgres:17"),
        ("ARG V=17\nFROM postgres:${V}", {}, "postgres:17"),
        ("ARG V=17\nFROM postgres:$V", {"args": {"V": "18"}}, "postgres:18"),
        ("ARG BASE=postgres\nARG FULL=${BASE}:17\nFROM ${FULL}", {}, "postgres:17"),
        ("FROM ${BASE:-postgres:17}", {}, "postgres:17"),
        ("ARG KIND=db\nFROM postgres AS from-db\nFROM python AS from-web\nFROM from-${KIND}", {}, "postgres"),
        ("FROM ${BASE}", {}, ""),
        ("FROM base", {"contexts": {"base": "docker-image://postgres:17"}}, "postgres:17"),
        ("FROM base", {"contexts": {"base": "../elsewhere"}}, ""),
        ("# syntax=docker/dockerfile:1\n\nFROM \\\n  postgres:17", {}, "postgres:17"),
        ("FROM postgres:17", {"target": "none"}, ""),
        ("RUN true", {}, ""),
        ("", {}, ""),
    ],
)
def test_the_base_is_the_image_that_the_stages_begin_from(text, build, base):
    assert recipe(text, **build).base == base


@pytest.mark.parametrize(
    "lines,volumes",
    [
        ("VOLUME /data", ("/data",)),
        ("volume /data/ /logs", ("/data", "/logs")),
        ('VOLUME ["/data", "/with space"]', ("/data", "/with space")),
        ("ENV HOME=/srv\nVOLUME $HOME/data", ("/srv/data",)),
        ("ENV HOME /srv\nVOLUME ${HOME}/data", ("/srv/data",)),
        ("ARG WHERE=/srv\nVOLUME ${WHERE}", ("/srv",)),
        ("VOLUME $UNKNOWN/data", ()),
        ("RUN echo VOLUME /data", ()),
        ("VOLUME /data\nVOLUME /data", ("/data",)),
        ("RUN true", ()),
    ],
)
def test_the_volumes_are_those_of_the_stage_and_of_what_it_is_built_on(lines, volumes):
    assert recipe(f"FROM a\n{lines}").volumes == volumes
    assert recipe(f"FROM a AS one\n{lines}\nFROM one\nRUN true").volumes == volumes
    assert recipe(f"FROM a AS one\n{lines}\nFROM b\nRUN true").volumes == ()


def test_the_last_user_and_command_count():
    text = 'FROM a AS one\nUSER root\nCMD no\nFROM one\nUSER 1000:1000\nENTRYPOINT ["run"]\nCMD migrate\nFROM c'
    assert recipe(text, "1") == Recipe("a", (), "1000:1000", '["run"] migrate')
