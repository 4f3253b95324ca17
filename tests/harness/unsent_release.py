"""A release that no machine has received yet."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from switchyard.control.commit import Commit
from switchyard.control.commit_files import CommitFiles
from switchyard.control.release import CommitContents, Release
from switchyard.core.app import App, Route
from switchyard.core.compose_document import Document
from switchyard.core.split import Split
from switchyard.core.wire.message import Json

EDGE = (Route("web", 8000, 8080),)


def release(volumes: Mapping[str, str] | None = None, document: Mapping[str, Json] | None = None) -> Release:
    """Build a release of a shop with a database."""
    parts = Split({}, EDGE, {}, {}, {}, {}, {}, {}, (), (), ("web",), {"pgdata": "shop_pgdata"}, (), (), ())
    commit = Commit(Path("/shop"), ".", "c" * 40, "a subject", ())
    resolved = Document.decode(document or {"name": "oldshop"})
    return Release(
        "R2",
        CommitContents(
            App("shop", volumes=volumes or {}), commit, CommitFiles("d" * 40), resolved, "", {"KEPT": "1"}, ()
        ),
        parts,
    )
