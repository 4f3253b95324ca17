"""Records of releases for tests, whole and with as few words as a test needs."""

from __future__ import annotations

from dataclasses import fields, replace

from switchyard.core.app import App
from switchyard.core.wire.release import Contents, Pack, ReleaseRecord

RECORD = ReleaseRecord(
    id="R1",
    commit="1abc",
    subject="",
    app=App("shop"),
    routes=(),
    kinds={},
    front=(),
    handover=(),
    oneshots=(),
    volumes=(),
    data=(),
    shared_files=(),
    pulls={},
    notes=(),
    env_keys=(),
    name="shop",
    number=1,
    state="prepared",
    created=0.0,
    shared=(),
    shared_objects={},
    env_digest="",
    settings="",
    shared_unchanged=False,
    received=True,
)


def unsent_pack(of: ReleaseRecord) -> Pack:
    """Return the pack of a release, without files, documents and env."""
    contents = {field.name: getattr(of, field.name) for field in fields(Contents)}
    return Pack(
        **contents, tree="", large=(), compose={}, colours={}, shared={}, build={}, env="", values=(), checks=None
    )


def record(number: int, state: str = "good") -> ReleaseRecord:
    """Return the record of release ``R<number>``, whose commit begins with the number."""
    return replace(RECORD, id=f"R{number}", number=number, state=state, commit=f"{number}abc")
