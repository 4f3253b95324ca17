"""The files of a commit: a clean export of all of them, and their names."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path

from switchyard.control import lfs
from switchyard.control.git import argv, environment, failure, git
from switchyard.control.work_tree import file_id
from switchyard.core.errors import SwitchyardError
from switchyard.core.extraction import destination, extract, in_order
from switchyard.core.tree import CHUNK, LINK, SUBMODULE, Entry, algorithm_of, contents, entries, parents, tree_id

LEADS_OUT = b"leads-out-of-the-commit"
"""Where a link leads to in an export that leads out of the commit."""


@dataclass
class CommitFiles:
    """The files of a commit as they ship: the bytes that it has, and what its Git LFS pointers stand for."""

    tree: str = ""
    """The git tree of exactly these files."""
    large: dict[str, tuple[Entry, Path]] = field(default_factory=dict)
    """Path to the file's entry of ``tree`` and its content, for each pointer whose object is in this clone."""
    pointers: list[str] = field(default_factory=list)
    """Paths of the pointers whose object is not; they stay pointers."""

    outside: list[str] = field(default_factory=list)
    """Paths of the links that lead out of the commit. In an export they lead nowhere."""

    @property
    def large_ids(self) -> tuple[str, ...]:
        """The ids of the contents behind pointers."""
        return tuple(sorted({entry.id for entry, _ in self.large.values()}))

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person may not expect of the files that ship."""
        kinds = (
            (self.pointers, "a Git LFS pointer ships in place of the file, which this clone lacks"),
            (self.outside, "a link that leads out of the commit ships as it is, and no check follows it"),
        )
        return tuple(
            f"{paths[0]}{f' and {len(paths) - 1} more' if paths[1:] else ''}: {words}"
            for paths, words in kinds
            if paths
        )


def export(repository: Path, commit: str, into: Path) -> CommitFiles:
    """Write the commit's files into a folder, whatever the attributes and filters of git say, and return what they are.

    A pointer of Git LFS becomes its file. A link that leads out of the commit leads nowhere: whoever reads an export
    reads nothing else. Modes are those of the commit, whatever the umask.
    """
    listed = _listed(repository, commit)
    files, shipped = CommitFiles(), {entry.path: entry for entry in listed}
    into.mkdir(exist_ok=True)
    with _blobs(repository, in_order(listed)) as blobs:
        extract(parents(listed), _readable(blobs, files, lfs.stores(repository)), os.fsencode(into), os)
    shipped.update((entry.path, entry) for entry, _ in files.large.values())
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


def _readable(
    blobs: Iterable[tuple[Entry, Iterable[bytes]]], files: CommitFiles, stores: list[Path]
) -> Iterator[tuple[Entry, Iterable[bytes]]]:
    """Yield what an export has in place of each file and link, and write into ``files`` where that is another."""
    links: dict[bytes, tuple[Entry, bytes]] = {}
    for entry, parts in blobs:
        if entry.mode == LINK:
            links[entry.path] = entry, b"".join(parts)
            continue
        ahead = iter(parts)
        first = next(ahead, b"")
        source = _large(entry, first, files, stores)
        if source is None:
            yield entry, chain((first,), ahead)
            continue
        with open(source, "rb") as file:
            yield entry, iter(partial(file.read, CHUNK), b"")
    targets = {path: target for path, (_, target) in links.items()}
    for path, (entry, target) in links.items():
        is_outside = destination(path, targets.get) is None
        if is_outside:
            files.outside.append(os.fsdecode(path))
        yield entry, (LEADS_OUT if is_outside else target,)


def _large(entry: Entry, first: bytes, files: CommitFiles, stores: list[Path]) -> Path | None:
    """Return the object of a file whose content begins so; None where it is no pointer, or this clone lacks it."""
    if not lfs.is_pointer_text(first):
        return None
    pointer, name = lfs.parse(first), os.fsdecode(entry.path)
    source = lfs.find(pointer, stores) if pointer else None
    if source is None:
        files.pointers.append(name)
    else:
        files.large[name] = entry._replace(id=file_id(source, algorithm_of(entry.id))), source
    return source


@contextmanager
def _blobs(repository: Path, files: Iterable[Entry]) -> Iterator[Iterator[tuple[Entry, Iterator[bytes]]]]:
    """Open the contents of files, in their order."""
    with tempfile.TemporaryFile() as questions, tempfile.TemporaryFile() as errors:
        questions.write(b"".join(b"%s\n" % entry.id.encode() for entry in files))
        questions.seek(0)
        command, pipe = argv(repository, "cat-file", "--batch"), subprocess.PIPE
        with subprocess.Popen(command, stdin=questions, stdout=pipe, stderr=errors, env=environment()) as process:
            assert process.stdout is not None
            try:
                yield contents(process.stdout, files)
            except SwitchyardError as error:
                errors.seek(0)
                raise failure(repository, "cat-file", errors.read() or str(error).encode()) from None
