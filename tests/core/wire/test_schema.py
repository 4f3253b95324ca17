"""The schemas in the repository are those of the types, and every golden file is a message of its format."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from switchyard.core import journal
from switchyard.core.lease import FreeLease, Lease
from switchyard.core.wire import schema
from switchyard.core.wire.adopted import Adopted
from switchyard.core.wire.checks import ChecksRecord
from switchyard.core.wire.message import Json, Message, WireError
from switchyard.core.wire.predeploy import PredeployReport
from switchyard.core.wire.receipt import HistoryReport, Plan, Receipt, StatusReport
from switchyard.core.wire.release import ReleaseRecord

TOP = Path(__file__).resolve().parents[3]
GOLDEN = sorted((TOP / "tests" / "golden" / "formats").glob("*/*.json"))
TYPES: dict[str, type[Message]] = {
    "adopted": Adopted,
    "checks": ChecksRecord,
    "history": HistoryReport,
    "plan": Plan,
    "predeploy": PredeployReport,
    "receipt": Receipt,
    "release": ReleaseRecord,
    "status": StatusReport,
}


def test_a_schema_states_what_a_type_requires_and_what_its_fields_mean():
    made = schema.document("lease", "A lease", (Lease, FreeLease), lambda kind, name: f"{kind.__name__}.{name}")
    free = made["$defs"]["FreeLease"]
    assert made["oneOf"] == [{"$ref": "#/$defs/Lease"}, {"$ref": "#/$defs/FreeLease"}]
    assert (free["required"], free["additionalProperties"]) == (["v", "number", "attempt"], False)
    assert free["properties"]["number"] == {"type": "integer", "minimum": 1, "description": "FreeLease.number"}


def decoded(name: str, value: Json) -> Message:
    if name == "journal":
        return journal.decode(value)
    if name == "lease":
        return FreeLease.decode(value) if value["attempt"] is None else Lease.decode(value)
    return TYPES[name].decode(value)


def test_the_schemas_are_generated_from_the_types():
    done = subprocess.run([sys.executable, "scripts/formats.py", "--check"], cwd=TOP, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_golden_file_becomes_its_message_and_comes_back_the_same(path):
    golden = json.loads(path.read_text())
    message = decoded(path.parent.name, golden)
    assert message.encode() == golden
    if path.parent.name in ("journal", "receipt", "plan", "status", "history"):
        assert json.dumps(message.encode(), indent=1) == path.read_text().rstrip("\n")


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_golden_file_with_a_key_too_many_or_of_another_version_is_refused(path):
    golden = json.loads(path.read_text())
    with pytest.raises(WireError, match=r"mistaken: is not a known field"):
        decoded(path.parent.name, {**golden, "mistaken": 1})
    with pytest.raises(WireError, match=r"^v: expected 1"):
        decoded(path.parent.name, {**golden, "v": 2})
