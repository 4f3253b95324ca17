"""A release's files as a git tree: one id for their paths, modes and contents, whoever computes it from what."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import IO, NamedTuple

from switchyard.core.errors import BadInput, SwitchyardError
from switchyard.core.tree_names import problems

FILE, PROGRAM, LINK, SUBMODULE = b"100644", b"100755", b"120000", b"160000"
FOLDER = b"40000"
FOLDER_PERMISSIONS = 0o755
"""Of every folder in a release."""
CHUNK = 1 << 20


class Entry(NamedTuple):
    """A file, a symbolic link or a submodule of a tree."""

    path: bytes
    """Relative to the tree's top."""
    mode: bytes
    id: str
    """The object that holds its content."""


def blob_id(size: int, parts: Iterable[bytes], algorithm: str = "sha1") -> str:
    """Return the id that git gives to a content of this size, in a repository of this algorithm."""
    digest = hashlib.new(algorithm, b"blob %d\0" % size, usedforsecurity=False)
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def algorithm_of(object_id: str) -> str:
    """Return the algorithm of the repository that an object's id is of."""
    return "sha1" if len(object_id) == 40 else "sha256"


def entries(listing: bytes) -> list[Entry]:
    """Return what ``git ls-tree -r -z --full-tree`` prints. Raise with every entry that no release may have.

    Git records no mode of a file but whether its owner may execute it, early versions of it apart.
    """
    listed, special = [], []
    for line in filter(None, listing.split(b"\0")):
        head, _, path = line.partition(b"\t")
        mode, _, object_id = (*head.split(b" "), b"", b"")[:3]
        if not path or not object_id or not mode or mode.strip(b"01234567"):
            raise BadInput(f"git lists an entry that cannot be read: {line.decode(errors='replace')!r}")
        is_file = mode.startswith(b"100")
        if not is_file and mode not in (LINK, SUBMODULE):
            special.append(f"the commit has {path.decode(errors='replace')}, which is no file (mode {mode.decode()})")
        listed.append(Entry(path, file_mode(int(mode, 8)) if is_file else mode, object_id.decode()))
    wrong = [*special, *problems(entry.path for entry in listed)]
    if wrong:
        raise BadInput("\n".join(dict.fromkeys(wrong)))
    return listed


def parents(files: Iterable[Entry]) -> list[bytes]:
    """Return the folders that files need, each after its own parents; a submodule is a folder itself."""
    folders = set()
    for entry in files:
        parts = entry.path.split(b"/")
        folders |= {b"/".join(parts[:number]) for number in range(1, len(parts) + (entry.mode == SUBMODULE))}
    return sorted(folders)


def permissions(mode: bytes) -> int:
    """Return the permissions of a file in a release, whatever the umask: a layer is built again where they differ."""
    return 0o755 if mode == PROGRAM else 0o644


def file_mode(permissions: int) -> bytes:
    """Return git's mode of a file with these permissions."""
    return PROGRAM if permissions & 0o100 else FILE


def tree_id(files: Iterable[Entry], algorithm: str = "sha1") -> str:
    """Return the id that git gives to the tree of these files."""
    folders: dict[bytes, list[Entry]] = {}
    here: list[tuple[bytes, bytes, str]] = []
    for entry in files:
        folder, slash, rest = entry.path.partition(b"/")
        if slash:
            folders.setdefault(folder, []).append(Entry(rest, entry.mode, entry.id))
        else:
            here.append((entry.path, entry.mode, entry.id))
    here += [(name, FOLDER, tree_id(below, algorithm)) for name, below in folders.items()]
    here.sort(key=lambda one: one[0] + b"/" if one[1] == FOLDER else one[0])
    content = b"".join(b"%s %s\0%s" % (mode, name, bytes.fromhex(object_id)) for name, mode, object_id in here)
    return hashlib.new(algorithm, b"tree %d\0%s" % (len(content), content), usedforsecurity=False).hexdigest()


def contents(output: IO[bytes], files: Iterable[Entry]) -> Iterator[tuple[Entry, Iterator[bytes]]]:
    """Yield each file and its content in parts, as ``git cat-file --batch`` prints them in this order.

    The parts must be read before the next file. Raise where git has no such object.
    """
    for entry in files:
        head = output.readline().split()
        if len(head) != 3:
            raise SwitchyardError(f"git has no content for {entry.path.decode(errors='replace')}")
        size = int(head[2])
        yield entry, _parts(output, size)
        output.read(1)


def _parts(output: IO[bytes], size: int) -> Iterator[bytes]:
    while size:
        data = output.read(min(size, CHUNK))
        if not data:
            raise SwitchyardError("git ended within a file")
        size -= len(data)
        yield data
