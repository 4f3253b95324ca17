"""What an apply replaces, kept aside until the new is proven: the way back, also of an apply that was killed."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from switchyard.core.errors import Refused
from switchyard.host.adapters.files import read_texts, write_json
from switchyard.host.adapters.store import Store

KEPT = ("compose.json", "previews.json", "routes.json", "cfg", "files")
"""Documents, configuration and files of the shared project or of the edge."""


def keep(home: Path, changed: Iterable[str]) -> None:
    """Keeps what stands in ``home`` aside, with what is to be changed; what a killed apply has kept is put back."""
    if _aside(home).exists():
        put_back(home)
        changed = {*changed, *left(home)}
    else:
        part = _part(home)
        part.mkdir(mode=0o700)
        _lay_all(home, part)
        part.rename(_aside(home))
    write_json(_aside(home) / "changed.json", sorted(changed))


def put_back(home: Path) -> None:
    """What was kept aside, in its place again."""
    _lay_all(_aside(home), home)


def forget(home: Path) -> None:
    """What stands in ``home`` is proven: nothing is kept aside any more."""
    _aside(home).rename(_part(home))
    _part(home)


def left(home: Path) -> list[str]:
    """What an apply that was killed was about to change."""
    return read_texts(_aside(home) / "changed.json")


def is_unfinished(home: Path) -> bool:
    """Whether an apply is under way there, or was killed."""
    return _aside(home).exists()


def unfinished(store: Store) -> list[str]:
    """The verbs that are under way, or were killed."""
    homes = {"shared.apply": store.shared, "edge.apply": store.edge}
    return [verb for verb, home in homes.items() if is_unfinished(home)]


def refuse_unfinished(store: Store) -> None:
    """Nothing goes live on what nobody has proven."""
    for verb in unfinished(store):
        raise Refused(f"inv {verb} was cut short on this host: type it again, then deploy")


def lay(source: Path, target: Path) -> None:
    """A file or folder at another place too. What is there is written to in place: a running container has this very
    file or folder mounted, not its name."""
    if source.is_dir() != target.is_dir():
        _remove(target)
    if not source.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
        return
    target.mkdir(parents=True, exist_ok=True)
    shutil.copymode(source, target)
    for name in set(os.listdir(target)) - set(os.listdir(source)):
        _remove(target / name)
    for name in os.listdir(source):
        lay(source / name, target / name)


def _lay_all(source: Path, target: Path) -> None:
    for name in KEPT:
        if (source / name).exists():
            lay(source / name, target / name)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
        return
    with contextlib.suppress(OSError):
        path.unlink()


def _aside(home: Path) -> Path:
    return home / "before"


def _part(home: Path) -> Path:
    """What is kept only in part yet, or no more; gone."""
    part = home / "before.part"
    shutil.rmtree(part, ignore_errors=True)
    return part
