"""The files of a commit: a clean export of all of them, and their names."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from switchyard.control import lfs
from switchyard.control.git import argv, environment, failure, git
from switchyard.control.work_tree import file_id
from switchyard.core.errors import SwitchyardError
from switchyard.core.tree import (
    FOLDER_PERMISSIONS,
    LINK,
    SUBMODULE,
    Entry,
    algorithm_of,
    contents,
    entries,
    parents,
    permissions,
    tree_id,
)


@dataclass
class CommitFiles:
    """The files of a commit as they ship: the bytes that it has, and what its Git LFS pointers stand for."""

    tree: str = ""
    """The git tree of exactly these files."""
    large: dict[str, tuple[Entry, Path]] = field(default_factory=dict)
    """Path to the file's entry of ``tree`` and its content, for each pointer whose object is in this clone."""
    pointers: list[str] = field(default_factory=list)
    """Paths of the pointers whose object is not; they stay pointers."""

    @property
    def large_ids(self) -> tuple[str, ...]:
        """The ids of the contents behind pointers."""
        return tuple(sorted({entry.id for entry, _ in self.large.values()}))

    @property
    def notes(self) -> tuple[str, ...]:
        """What ships otherwise than a person may expect: no build and no mount uses it."""
        if not self.pointers:
            return ()
        more = f" and {len(self.pointers) - 1} more" if self.pointers[1:] else ""
        return (f"{self.pointers[0]}{more}: a Git LFS pointer ships in place of the file, which this clone lacks",)


def export(repository: Path, commit: str, into: Path) -> CommitFiles:
    """Write the commit's files into a folder, whatever the attributes and filters of git say, and return what they are.

    A pointer of Git LFS becomes its file. Modes are those of the commit, whatever the umask.
    """
    listed = _listed(repository, commit)
    files, shipped = CommitFiles(), {entry.path: entry for entry in listed}
    stores = lfs.stores(repository)
    top = os.fsencode(into)
    into.mkdir(exist_ok=True)
    for folder in parents(listed):
        os.mkdir(os.path.join(top, folder))
        os.chmod(os.path.join(top, folder), FOLDER_PERMISSIONS)
    for entry, path in _written(repository, listed, top):
        if not lfs.is_pointer(path):
            continue
        pointer = lfs.parse(path.read_bytes())
        source = lfs.find(pointer, stores) if pointer else None
        if source is not None:
            shutil.copyfile(source, path)
            shipped[entry.path] = entry._replace(id=file_id(source, algorithm_of(entry.id)))
            files.large[os.fsdecode(entry.path)] = shipped[entry.path], source
        else:
            files.pointers.append(os.fsdecode(entry.path))
    files.tree = tree_id(shipped.values(), algorithm_of(listed[0].id) if listed else "sha1")
    return files


def tracked(repository: Path, commit: str) -> frozenset[str]:
    """Return the paths of the commit's files, relative to the repository's top."""
    return frozenset(os.fsdecode(entry.path) for entry in _listed(repository, commit))


def submodules(repository: Path, commit: str) -> list[str]:
    """Return the paths at which the commit has a submodule."""
    return [os.fsdecode(entry.path) for entry in _listed(repository, commit) if entry.mode == SUBMODULE]


def _listed(repository: Path, commit: str) -> list[Entry]:
    return entries(git(repository, "ls-tree", "-r", "-z", "--full-tree", commit))


def _written(repository: Path, listed: Iterable[Entry], top: bytes) -> Iterator[tuple[Entry, Path]]:
    """Write files, then symbolic links, so that none leads another astray. Yield each file."""
    blobs = sorted((entry for entry in listed if entry.mode != SUBMODULE), key=lambda entry: entry.mode == LINK)
    with tempfile.TemporaryFile() as questions, tempfile.TemporaryFile() as errors:
        questions.write(b"".join(b"%s\n" % entry.id.encode() for entry in blobs))
        questions.seek(0)
        command, pipe = argv(repository, "cat-file", "--batch"), subprocess.PIPE
        with subprocess.Popen(command, stdin=questions, stdout=pipe, stderr=errors, env=environment()) as process:
            assert process.stdout is not None
            try:
                for entry, parts in contents(process.stdout, blobs):
                    path = os.path.join(top, entry.path)
                    if entry.mode == LINK:
                        os.symlink(b"".join(parts), path)
                        continue
                    with open(path, "xb") as file:
                        file.writelines(parts)
                        os.fchmod(file.fileno(), permissions(entry.mode))
                    yield entry, Path(os.fsdecode(path))
            except SwitchyardError as error:
                errors.seek(0)
                raise failure(repository, "cat-file", errors.read() or str(error).encode()) from None
