"""The bare repository of an application on this host."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from io import BufferedReader
from pathlib import Path

from switchyard.core.errors import Refused, SwitchyardError
from switchyard.core.tree import FOLDER_PERMISSIONS, algorithm_of, entries
from switchyard.host.adapters import git, process, tree

FORMATS = {"sha1": [], "sha256": ["--object-format=sha256"]}
"""Flags of ``git init`` for a repository whose ids are of an algorithm."""

_HARMLESS = (
    "badDate",
    "badDateOverflow",
    "badEmail",
    "badName",
    "badTimezone",
    "missingEmail",
    "missingNameBeforeEmail",
    "missingSpaceBeforeDate",
    "missingSpaceBeforeEmail",
    "multipleAuthors",
    "nulInCommit",
    "zeroPaddedDate",
    "zeroPaddedFilemode",
)
CHECKED = ",".join(f"{problem}=ignore" for problem in _HARMLESS)
"""What git's check of arriving objects lets pass: slips of old programs in dates, names, and the spelling of a mode.

Old histories have them, and nobody can mend a history. All that is wrong with trees is refused.
"""
FSCK_HINT = (
    "That is git's own check of the commit and of all before it; git fsck --full in the clone shows the same. Make the "
    "commit that it names again, or begin a history without it: git checkout --orphan NEW_BRANCH && git commit"
)


class Repository:
    """The commits and trees of every release on this host. ``tick`` runs while git works."""

    def __init__(self, path: Path, tick: Callable[[], None]) -> None:
        self._path = path
        self._tick = tick

    def take_in(self, pack: BufferedReader, commit: str, files: str, release: str) -> None:
        """Store the objects of a pack, where one follows. Keep the commit and the tree ``files`` as long as a release.

        The tree is not always the commit's: it has the files that pointers of Git LFS stand for.
        """
        if not (self._path / "HEAD").exists():
            self._run("init", "--quiet", "--bare", "--template=", *FORMATS[algorithm_of(commit)])
        if pack.peek(1):
            os.lseek(pack.fileno(), pack.tell(), os.SEEK_SET)  # where git's pack begins, however far the buffer read
            argv = git.argv(self._path, "index-pack", "--stdin", "--fix-thin", f"--strict={CHECKED}")
            code, output = process.run(argv, stdin=pack, check=False, tick=self._tick, extra=git.ENVIRONMENT)
            if code != 0:
                hint = f"\n{FSCK_HINT}" if "fsck error" in output else ""
                raise SwitchyardError(f"git could not take the commit in: {output.strip()}{hint}")
        self._run("update-ref", f"refs/switchyard/{release}", commit)
        self._run("update-ref", f"refs/switchyard-trees/{release}", files)

    def object_of(self, root: str, path: str) -> str:
        """Return the id of a file or folder of a commit or tree: equal ids are equal contents."""
        return self._run("rev-parse", f"{root}:{path}")

    def is_ancestor(self, ancestor: str, commit: str) -> bool:
        """Return whether a commit descends from another, as far as this repository knows."""
        argv = git.argv(self._path, "merge-base", "--is-ancestor", ancestor, commit)
        return process.run(argv, check=False, extra=git.ENVIRONMENT)[0] == 0

    def export(self, files: str, folder: Path) -> None:
        """Write the files of a tree into a folder that appears when it is whole.

        Read them back: raise ``Refused`` unless they are the tree's, to the byte.
        """
        part = folder.with_name("files.part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        part.chmod(FOLDER_PERMISSIONS)
        try:
            listed = entries(git.printed(self._path, "ls-tree", "-r", "-z", "--full-tree", files))
            tree.write(self._path, listed, part, self._tick)
        except SwitchyardError as error:
            raise SwitchyardError(f"git could not export {files[:10]}: {error}") from None
        on_disk = tree.read_id(part, algorithm_of(files), self._tick)
        if on_disk != files:
            shutil.rmtree(part, ignore_errors=True)
            raise Refused(
                f"the files that arrived in {folder} are the tree {on_disk[:10]}, not {files[:10]}, which was checked: "
                "nothing is built of them. Look at the disk of this host, and run the command again"
            )
        part.rename(folder)

    def _run(self, *words: str) -> str:
        return process.run(git.argv(self._path, *words), extra=git.ENVIRONMENT)[1].strip()
