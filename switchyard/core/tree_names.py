"""Which paths a release's tree may have: each is one file below its folder, on every file system."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

PART_MOST, PATH_MOST = 255, 3000
"""Bytes of a name and of a path. Linux takes 255, and 4096 with the folder that a release is in."""
UNSAFE = (b"", b".", b"..")
"""Parts of a path that would lead out of a release."""
GIT_FOLDER = (".git", "git~1")
"""A repository's own folder, and the short name that NTFS gives it."""
_IGNORED = dict.fromkeys((*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF))
"""Characters that HFS+ leaves out of a name."""


def problems(files: Iterable[bytes]) -> Iterator[str]:
    """Yield what is wrong with the paths of a tree: ways out of it, duplicates, and names that differ only in case."""
    spellings: dict[bytes, bytes] = {}
    folders: dict[bytes, bool] = {}
    for file in files:
        if not is_safe(file):
            yield f"the commit has a file that no release may have: {_words(file)}"
            continue
        parts = file.split(b"/")
        for path in (b"/".join(parts[:number]) for number in range(1, len(parts) + 1)):
            is_folder = path != file
            if path in folders and not (is_folder and folders[path]):
                yield f"the commit has two entries of one name: {_words(path)}. Make the commit again"
            folders[path] = is_folder
            other = spellings.setdefault(_folded(path), path)
            if other != path:
                yield (
                    f"the commit has {_words(other)} and {_words(path)}, which are one name where case does not count. "
                    f"Rename one of them: git mv {_words(path)} NEW_NAME"
                )


def is_safe(path: bytes) -> bool:
    """Return whether a path leads neither out of a release nor into a repository, and is short enough to exist."""
    parts = path.split(b"/")
    is_short = len(path) <= PATH_MOST and all(len(part) <= PART_MOST for part in parts)
    return is_short and not any(part in UNSAFE or _is_git_folder(part) for part in parts)


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
