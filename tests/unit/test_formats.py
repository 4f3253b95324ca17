"""What programs read: each format has a schema that refuses what it does not know, and golden files that it takes."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from switchyard.core import journal
from switchyard.core.lease import Lease
from switchyard.core.wire.request import Request
from switchyard.host.adapters.files import write
from switchyard.host.adapters.store import Store
from switchyard.host.channel.serve import serve
from tests.harness.formats import FOLDER, PRINTED, faults, require, require_printed

TOP = Path(__file__).resolve().parents[2]
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
    assert set(SCHEMAS) == {"release", "checks", "journal", "lease", "predeploy", *PRINTED.values()}
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


def checkout(folder: Path, settings: str) -> Path:
    (folder / "tasks.py").write_text("from switchyard.tasks import here\nns = here(__file__)\n")
    (folder / "invoke.yaml").write_text(settings)
    return folder


def inv(folder: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TOP), *sys.path]), **env}
    argv = [sys.executable, "-m", "invoke", *words]
    return subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("verb", PRINTED)
def test_a_verb_that_ends_before_it_begins_prints_one_object_with_the_reason(tmp_path, verb):
    folder = checkout(tmp_path, "app: {name: shop}\nhosts:\n  prod:\n    machines: [{name: a, address: 192.0.2.1}]\n")
    done = inv(folder, verb, "--host", "prdo", "--json")
    assert done.returncode == 2 and "did you mean 'prod'" in done.stderr, done.stderr
    told = json.loads(done.stdout)
    assert (told["outcome"], told["exit"], told["release"], told["hosts"]) == ("bad input", 2, None, [])
    assert told["reason"] in done.stderr
    require_printed([verb], done.returncode, done.stdout)


@pytest.mark.parametrize(
    "words,says",
    [
        *(([verb], "name a host with --host") for verb in (*PRINTED, "logs", "services", "shared.apply")),
        (["exec", "--host", "prod"], "say where with --service"),
        (["scale", "--host", "prod", "--count", "2"], "say which service with --service"),
        (["scale", "--host", "prod", "--service", "web"], "say how many with --count"),
        (["scale", "--host", "prod", "--service", "web", "--count", "two"], "--count two: a whole number is needed"),
        (["sandbox.up", "--count", "many"], "--count many: a whole number is needed"),
        (["unlock", "--host", "prod"], "say why with --reason"),
        (["history", "--host", "prod", "--count", "0"], "--count 0 is no number of attempts"),
        (["logs", "--host", "prod", "--tail", "-1"], "--tail -1 is no number of lines"),
        (["rollback", "--host", "prod", "--env", "todays"], "the only choice is current"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_a_verb_lacks_is_named_on_the_command_line(tmp_path, words, says):
    folder = checkout(tmp_path, "app: {name: shop}\nhosts:\n  prod:\n    machines: [{name: a, address: 192.0.2.1}]\n")
    done = inv(folder, *words)
    assert done.returncode == 2 and says in done.stderr and "Traceback" not in done.stderr, done.stderr


def test_without_a_host_doctor_looks_at_this_machine_and_its_settings(tmp_path):
    text = "app: {name: shop}\nhosts:\n  prod:\n    machines: [{name: a, address: 192.0.2.1}]\n"
    folder = checkout(tmp_path, text)
    well = inv(folder, "doctor")
    assert well.returncode == 0 and "all is well on this machine; look at a host with --host: prod" in well.stdout
    without = tmp_path / "tools"
    without.mkdir()
    ill = inv(folder, "doctor", PATH=str(without))
    assert ill.returncode == 1 and "git is not installed on this machine (Debian: apt-get install git)" in ill.stdout
    (folder / "invoke.yaml").write_text(text.replace("machines:", "machins:"))
    wrong = inv(folder, "doctor")
    assert wrong.returncode == 2 and "did you mean machines" in wrong.stderr, wrong.stderr


def test_the_list_of_verbs_imports_nothing_heavy(tmp_path):
    heavy = {"pydantic", "fabric", "paramiko", "rich", "httpx", "psycopg"}
    code = f"import sys, switchyard.tasks; print(sorted({heavy} & set(sys.modules)))"
    folder = checkout(tmp_path, "")
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(TOP), *sys.path])},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_a_host_of_a_newer_layout_refuses_with_a_whole_end(tmp_path, capsys):
    write(tmp_path / "layout", "2\n")
    for verb in ("status", "deploy"):
        with open(os.devnull, "rb") as words:
            assert serve(Request(verb, "shop", str(tmp_path), attempt="a"), words) == 4
        end = json.loads(capsys.readouterr().out)
        assert end.items() >= {"event": "end", "outcome": "refused", "exit": 4, "live": None, "looked": False}.items()
        assert {"before", "release", "reason"} <= set(end) and "newer than this Switchyard" in end["reason"]
    assert [path.name for path in tmp_path.iterdir()] == ["layout"], "nothing was changed"
