#!/usr/bin/env python3
"""Write the JSON schemas in ``switchyard/schemas`` from the types in ``switchyard/core/wire``.

``--check`` writes nothing and ends with 1 where a schema is out of date.
"""

from __future__ import annotations

import ast
import functools
import inspect
import json
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from switchyard.core.journal import EndEntry, OverriddenEntry, ShownEntry, StepEntry, TakeoverEntry, WayBackEntry
from switchyard.core.lease import FreeLease, Lease
from switchyard.core.wire import schema
from switchyard.core.wire.adopted import Adopted
from switchyard.core.wire.checks import ChecksRecord
from switchyard.core.wire.message import Message
from switchyard.core.wire.predeploy import PredeployReport
from switchyard.core.wire.receipt import HistoryReport, Plan, Receipt, StatusReport
from switchyard.core.wire.release import ReleaseRecord

FOLDER = ROOT / "switchyard" / "schemas"
FORMATS: dict[str, tuple[str, tuple[type[Message], ...]]] = {
    "adopted": (
        "adopted.json: what the application uses and Switchyard did not create",
        (Adopted,),
    ),
    "checks": ("checks.json beside a release: what the next one is compared with", (ChecksRecord,)),
    "history": ("What history prints with --json", (HistoryReport,)),
    "journal": (
        "One line of a host's journal.jsonl",
        (StepEntry, TakeoverEntry, EndEntry, OverriddenEntry, WayBackEntry, ShownEntry),
    ),
    "lease": ("A host's lease.json: who may act on it now", (Lease, FreeLease)),
    "plan": ("What plan, and deploy --dry-run, print with --json", (Plan,)),
    "predeploy": ("What inv predeploy --json FILE writes", (PredeployReport,)),
    "receipt": ("What deploy and rollback print with --json, and any verb that ends before it can answer", (Receipt,)),
    "release": ("release.json: what a host knows of one release", (ReleaseRecord,)),
    "status": ("What status prints with --json", (StatusReport,)),
}


def main() -> int:
    """Write every schema, or check each."""
    stale = []
    for name, (title, kinds) in FORMATS.items():
        text = json.dumps(schema.document(name, title, kinds, describe), indent=2) + "\n"
        path = FOLDER / f"{name}.json"
        if path.exists() and path.read_text() == text:
            continue
        stale.append(path.name)
        if "--check" not in sys.argv:
            path.write_text(text)
    if stale and "--check" in sys.argv:
        print(f"out of date: {', '.join(stale)}. Run: python3 scripts/formats.py")
        return 1
    print(f"{len(FORMATS)} schemas, {len(stale)} changed")
    return 0


def describe(kind: type[Message], name: str) -> str:
    """Return the first paragraph of the text that documents a field, in the class that declares it."""
    return next((texts[name] for base in kind.__mro__ if name in (texts := documented(base))), "")


@functools.cache
def documented(kind: type) -> dict[str, str]:
    """Return each field of a class with the text that stands below it."""
    if not issubclass(kind, Message):
        return {}
    body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    assert isinstance(body, ast.ClassDef)
    texts = {}
    for before, after in zip(body.body, body.body[1:], strict=False):
        is_text = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        if isinstance(before, ast.AnnAssign) and isinstance(before.target, ast.Name) and is_text:
            texts[before.target.id] = " ".join(str(after.value.value).split("\n\n")[0].split())  # type: ignore[attr-defined]
    return texts


if __name__ == "__main__":
    sys.exit(main())
