"""A backup of what an apply replaces, kept until the new is proven: the way back, also after a kill."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from switchyard.host.adapters.contained import lay
from switchyard.host.adapters.files import read_texts, write_json
from switchyard.host.adapters.layout import Layout
from switchyard.host.edge_documents import is_drafted

KEPT = ("compose.json", "previews.json", "routes.json", "cfg", "files")
"""The document and files of the shared project. Older versions kept the edge's documents and configuration too."""


def keep(home: Path, changed: Iterable[str]) -> None:
    """Back up what stands in ``home``, and write down what is about to change.

    A backup that exists is of an apply that was killed. It goes back into its place first, and stays the backup.
    """
    if is_unfinished(home):
        put_back(home)
        changed = {*changed, *left(home)}
    else:
        part = _fresh_part(home)
        part.mkdir(mode=0o700)
        _copy_all(home, part)
        part.rename(_backup(home))
    write_json(_backup(home) / "changed.json", sorted(changed))


def put_back(home: Path) -> None:
    """Copy the backup into its place again."""
    _copy_all(_backup(home), home)


def forget(home: Path) -> None:
    """Delete the backup: what stands in ``home`` is proven."""
    _backup(home).rename(_fresh_part(home))
    _fresh_part(home)


def left(home: Path) -> list[str]:
    """Return what an apply that was killed was about to change; nothing where none was."""
    return read_texts(_backup(home) / "changed.json")


def is_unfinished(home: Path) -> bool:
    """Return whether an apply is under way there, or was killed."""
    return _backup(home).exists()


def unfinished(layout: Layout) -> list[str]:
    """Return the apply verbs that are under way, or were killed."""
    homes = {"shared.apply": layout.shared, "edge.apply": layout.edge}
    return [verb for verb, home in homes.items() if is_unfinished(home) or is_drafted(home)]


def reasons_unfinished(layout: Layout) -> list[str]:
    """Return why nothing may go live here: nobody has proven what it would stand on."""
    return [f"inv {verb} was cut short on this host. Run it again, then deploy" for verb in unfinished(layout)]


def _copy_all(source: Path, target: Path) -> None:
    for name in KEPT:
        if os.path.lexists(source / name):
            lay(source, target, name)


def _backup(home: Path) -> Path:
    return home / "before"


def _fresh_part(home: Path) -> Path:
    """Return where a backup stands while it is incomplete, and delete what is there."""
    part = home / "before.part"
    shutil.rmtree(part, ignore_errors=True)
    return part
