"""Which paths a release's tree may have: each is one file below its folder, on every file system."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator

PART_MOST, PATH_MOST = 255, 3000
"""Bytes of a name and of a path. Linux takes 255, and 4096 with the folder that a release is in."""
UNSAFE = (b"", b".", b"..")
"""Parts of a path that would lead out of a release."""
GIT_FOLDER = (".git", "git~1")
"""A repository's own folder, and the short name that NTFS gives it."""
_IGNORED = dict.fromkeys((*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF))
"""Characters that HFS+ leaves out of a name."""
_MAY_BE_GIT = re.compile(rb"[^\x00-\x7f]|git", re.IGNORECASE)
"""Names that are worth a closer look."""


def problems(files: Iterable[bytes]) -> Iterator[str]:
    """Yield what is wrong with the paths of a tree: ways out of it, duplicates, and names that differ only in case."""
    spellings: dict[bytes, bytes] = {}
    folders: dict[bytes, bool] = {}
    """Each folder, and whether a release may have it."""
    names: set[bytes] = set()
    for file in files:
        folder, _, name = file.rpartition(b"/")
        new = [*_new_folders(folder, folders)] if folder and folder not in folders else []
        for path in new:
            folders[path] = folders.get(path.rpartition(b"/")[0], True) and _is_safe(path.rpartition(b"/")[2])
        if len(file) > PATH_MOST or not (folders.get(folder, not file.startswith(b"/")) and _is_safe(name)):
            yield f"the commit has a file that no release may have: {_words(file)}"
            continue
        for path in (*new, file):
            if path in names or (path == file and path in folders):
                yield f"the commit has two entries of one name: {_words(path)}. Make the commit again"
            other = spellings.setdefault(_folded(path), path)
            if other != path:
                yield (
                    f"the commit has {_words(other)} and {_words(path)}, which are one name where case does not count. "
                    f"Rename one of them: git mv {_words(path)} NEW_NAME"
                )
        names.add(file)


def _new_folders(folder: bytes, known: Container[bytes]) -> Iterator[bytes]:
    """Yield a folder and its parents that are not known yet, parents first."""
    parts = folder.split(b"/")
    for number in range(1, len(parts) + 1):
        path = b"/".join(parts[:number])
        if path not in known:
            yield path


def _is_safe(part: bytes) -> bool:
    """Return whether a name leads neither out of a release nor into a repository, and is short enough to exist."""
    if len(part) > PART_MOST or part in UNSAFE:
        return False
    return not _MAY_BE_GIT.search(part) or not _is_git_folder(part)


def _is_git_folder(part: bytes) -> bool:
    """Return whether some file system takes a name for a repository's own folder, as ``git fsck`` judges it."""
    name = part.decode(errors="replace").translate(_IGNORED).lower()
    return any(word.partition(":")[0].rstrip(" .") in GIT_FOLDER for word in name.split("\\"))


def _folded(path: bytes) -> bytes:
    """Return what is equal for the paths that are one where case and the form of accents do not count."""
    if path.isascii():
        return path.lower()
    from unicodedata import normalize  # hardly any path needs it

    return normalize("NFC", path.decode(errors="surrogateescape").casefold()).encode(errors="surrogateescape")


def _words(path: bytes) -> str:
    return path.decode(errors="replace")
