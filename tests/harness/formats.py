"""Documents compared with the JSON schemas that ship with Switchyard."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from pathlib import Path

import jsonschema

import switchyard
from switchyard.core.errors import DRIFT, OK
from switchyard.core.wire.message import Json

FOLDER = Path(switchyard.__file__).parent / "schemas"
PRINTED = {"deploy": "receipt", "rollback": "receipt", "plan": "plan", "status": "status", "history": "history"}
"""Verbs with ``--json``, and the schema of what each prints."""


@functools.cache
def validator(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads((FOLDER / f"{name}.json").read_text()))


def faults(name: str, value: Json) -> list[str]:
    """Return where and why a document is not of a format: the innermost reason of each error."""
    errors = (jsonschema.exceptions.best_match([error]) for error in validator(name).iter_errors(value))
    return [f"{name}{error.json_path[1:]}: {error.message}" for error in errors if error is not None]


def require(name: str, value: Json) -> None:
    """Require that a document is of a format."""
    wrong = faults(name, value)
    assert not wrong, "\n".join([*wrong, json.dumps(value)])


def require_printed(words: Sequence[str], code: int, output: str) -> None:
    """Require that a verb with ``--json`` printed one object of its format. ``output`` has both streams."""
    (line,) = (line for line in output.splitlines() if line.startswith("{"))
    if code in (OK, DRIFT):
        assert output.strip() == line, f"more than JSON was printed:\n{output}"
    name, value = "plan" if "--dry-run" in words else PRINTED[words[0]], json.loads(line)
    is_report = "app" in value or "commit" in value  # else the verb ended before it had anything to report
    require(name if code in (OK, DRIFT) or is_report else "receipt", value)
