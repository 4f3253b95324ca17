"""Whole compose files and what they become, as data under ``tests/golden/compose``."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from switchyard.core.app import App, RouteEntry
from switchyard.core.compose_document import Document
from switchyard.core.split import Split, split

CASES = sorted(path for path in (Path(__file__).parents[2] / "golden" / "compose").iterdir() if path.is_dir())
SETTINGS = {"app", "tracked", "folder"}
FILES = {"compose.json", "settings.json", "expected.json"}


def read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())


def split_case(case: Path) -> Split:
    settings = read(case / "settings.json")
    assert set(settings) == SETTINGS, f"{case.name}/settings.json: {set(settings) ^ SETTINGS}"
    app = dict(settings["app"])
    unknown = set(app) - {field.name for field in dataclasses.fields(App)}
    assert not unknown, f"{case.name}/settings.json: app: {unknown}"
    if "routes" in app:
        app["routes"] = tuple(RouteEntry.decode(entry) for entry in app["routes"])
    if "writable" in app:
        app["writable"] = tuple(app["writable"])
    return split(
        Document.decode(read(case / "compose.json")),
        app=App(**app),
        release="20260101T000000Z-abc1234",
        root="/home/deploy/apps/shop",
        tracked=settings["tracked"],
        folder=settings["folder"],
    )


def as_data(parts: Split) -> dict[str, Any]:
    data = {**dataclasses.asdict(parts), "routes": [route.encode() for route in parts.routes]}
    return json.loads(json.dumps(data))


def strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in strings(item)]
    if isinstance(value, list):
        return [text for item in value for text in strings(item)]
    return [value] if isinstance(value, str) else []


def test_there_are_at_least_six_cases_each_complete():
    assert len(CASES) >= 6
    assert all({path.name for path in case.iterdir()} == FILES for case in CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_compose_file_becomes_exactly_these_documents(case):
    assert as_data(split_case(case)) == read(case / "expected.json")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_no_generated_document_comes_back_by_itself_after_a_reboot(case):
    parts = split_case(case)
    for document in (parts.shared, *parts.colours.values()):
        for service in document["services"].values():
            assert service["restart"] != "always"
            assert "restart_policy" not in service.get("deploy", {})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_colours_share_no_network_and_publish_nothing(case):
    parts = split_case(case)
    names = [document["networks"]["default"]["name"] for document in parts.colours.values()]
    assert len(set(names)) == 2
    for document in parts.colours.values():
        assert list(document["networks"]) == ["default"]
        for service in document["services"].values():
            assert not {"ports", "container_name", "depends_on", "build"} & set(service)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_shared_service_mounts_nothing_of_a_release(case):
    assert not [text for text in strings(split_case(case).shared) if "/releases/" in text]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_compose_escaped_is_escaped_once(case):
    def dollars(value: Any) -> set[str]:
        return {text for text in strings(value) if "$" in text}

    parts, source = split_case(case), read(case / "compose.json")
    generated = set().union(*map(dollars, (parts.shared, parts.build, *parts.colours.values())))
    assert generated == dollars(source)
