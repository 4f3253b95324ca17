"""What programs read: each format has a schema that refuses what it does not know, and golden files that it takes."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from switchyard.core import journal
from switchyard.core.lease import Lease
from switchyard.host.adapters.store import Store
from tests.harness.formats import FOLDER, PRINTED, faults, require

TOP = Path(__file__).resolve().parents[3]
GOLDEN = TOP / "tests" / "golden" / "formats"
SCHEMAS = sorted(path.stem for path in FOLDER.glob("*.json"))
FILES = sorted(GOLDEN.glob("*/*.json"))
Path_ = tuple[Any, ...]
FREE = {"facts"}
"""Where a check of predeploy has figures of its own."""


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def objects(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    """Where the objects of a document stand."""
    if isinstance(value, dict):
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from objects(item, (*path, key))


def at(value: Any, path: Path_) -> Any:
    for key in path:
        value = value[key]
    return value


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_one_and_every_object_in_it_refuses_unknown_keys(name):
    schema = json.loads((FOLDER / f"{name}.json").read_text())
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(schema)
    kinds = [at(schema, path) for path in objects(schema) if at(schema, path).get("type") == "object"]
    assert kinds and all("additionalProperties" in kind for kind in kinds)
    assert all(kind["additionalProperties"] is False for kind in kinds if "properties" in kind)


def test_every_format_has_a_schema_and_golden_files():
    assert set(SCHEMAS) == {"adopted", "release", "checks", "journal", "lease", "predeploy", *PRINTED.values()}
    assert {path.parent.name for path in FILES} == set(SCHEMAS)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_golden_file_is_of_its_format(path):
    require(path.parent.name, json.loads(path.read_text()))


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_mistaken_document_is_refused(path):
    """A key that is unknown, in any object of it; one that is missing at its top; another version."""
    golden, name = json.loads(path.read_text()), path.parent.name
    for where in objects(golden):
        if FREE & set(where):
            continue
        wrong = copy.deepcopy(golden)
        at(wrong, where)["mistaken"] = {"never": "seen"}
        assert faults(name, wrong), f"an unknown key in {where}"
    for key in set(golden) - {
        "reason",
        "seconds",
        "images",
        "standins",
        "outcomes",
        "head",
        "since",
        "colour",
        "unknown",
        "minor",
        "tree",
        "large",
    }:
        assert faults(name, {other: item for other, item in golden.items() if other != key}), f"{key} is missing"
    assert faults(name, {**golden, "v": 2})


@pytest.mark.parametrize(
    "file,change",
    [
        ("release/good", {"state": "splendid"}),
        ("release/good", {"since": None}),
        ("release/failed", {"reason": None}),
        ("journal/end", {"exit": 99}),
        ("lease/held", {"attempt": None}),
        ("receipt/deploy", {"reason": "none is needed"}),
        ("receipt/refused", {"exit": 0}),
        ("receipt/deploy", {"release": None}),
        ("plan/deploy", {"outcome": "live"}),
        ("status/live", {"app": "Not A Name"}),
        ("history/three", {"hosts": {}}),
    ],
)
def test_a_value_that_cannot_be_is_refused(file, change):
    golden = json.loads((GOLDEN / f"{file}.json").read_text())
    assert faults(file.split("/")[0], {**golden, **change})


def test_a_journal_line_is_written_as_in_the_golden_file():
    golden = json.loads((GOLDEN / "journal" / "end.json").read_text())
    entry = journal.decode(golden)
    line = json.loads(journal.line(entry, before=None, seq=golden["seq"], wall=golden["wall"], boot=golden["boot"]))
    assert list(line) == list(golden) and {**line, "before": golden["before"]} == golden


def test_a_lease_is_written_as_in_the_golden_file_and_freed_as_in_the_other(tmp_path):
    golden = json.loads((GOLDEN / "lease" / "held.json").read_text())
    assert Lease.decode(golden).encode() == golden
    store = Store(tmp_path)
    store.prepare()
    number, *_ = store.lease.take("20260101T000000-abcdef", "deploy", "somebody")
    require("lease", json.loads((tmp_path / "lease.json").read_text()))
    store.lease.free(number)
    freed = json.loads((GOLDEN / "lease" / "free.json").read_text())
    assert json.loads((tmp_path / "lease.json").read_text()) == {**freed, "number": number}
