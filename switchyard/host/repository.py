"""The bare repository of an application on this host."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from io import BufferedReader
from pathlib import Path

from switchyard.core.errors import SwitchyardError
from switchyard.host.adapters import process
from switchyard.host.adapters.files import write


class Repository:
    """The commits of every release on this host. ``tick`` runs while git works."""

    def __init__(self, path: Path, tick: Callable[[], None]) -> None:
        self._path = path
        self._tick = tick

    def take_in(self, pack: BufferedReader, commit: str, release: str) -> None:
        """Store the objects of a pack, where one follows, and keep the commit for as long as its release."""
        if not (self._path / "HEAD").exists():
            process.run(["git", "init", "--quiet", "--bare", str(self._path)])
        # A release needs the files that the commit keeps out of archives, too.
        write(self._path / "info" / "attributes", "* -export-ignore -export-subst\n")
        if pack.peek(1):
            os.lseek(pack.fileno(), pack.tell(), os.SEEK_SET)  # where git's pack begins, however far the buffer read
            argv = self._git("index-pack", "--stdin", "--fix-thin")
            code, output = process.run(argv, stdin=pack, check=False, tick=self._tick)
            if code != 0:
                raise SwitchyardError(f"git could not take the commit in: {output.strip()}")
        process.run(self._git("update-ref", f"refs/switchyard/{release}", commit))

    def tree_of(self, commit: str) -> str:
        """Return the id of a commit's tree."""
        return self._ask("rev-parse", f"{commit}^{{tree}}")

    def object_of(self, commit: str, path: str) -> str:
        """Return the id of a file or folder of a commit: equal ids are equal contents."""
        return self._ask("rev-parse", f"{commit}:{path}")

    def is_ancestor(self, ancestor: str, commit: str) -> bool:
        """Return whether a commit descends from another, as far as this repository knows."""
        return process.run(self._git("merge-base", "--is-ancestor", ancestor, commit), check=False)[0] == 0

    def export(self, commit: str, folder: Path) -> None:
        """Write the files of a commit into a folder that appears when it is whole."""
        part = folder.with_name("files.part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        argv, pipe = self._git("archive", "--format=tar", commit), subprocess.PIPE
        with subprocess.Popen(argv, stdout=pipe, stderr=pipe, env=process.environment()) as git:
            assert git.stderr is not None
            try:
                with tarfile.open(fileobj=git.stdout, mode="r|") as archive:
                    for member in archive:
                        archive.extract(member, part)
                        self._tick()
            except tarfile.TarError:
                output = git.stderr.read().decode(errors="replace").strip()
                raise SwitchyardError(f"git could not export {commit[:10]}: {output}") from None
        # git dates every file with its commit, and BuildKit takes two files of the same size and date for one: of two
        # commits of one second, the second would build the first one's content. So each export gets a date of its own.
        for path in part.rglob("*"):
            os.utime(path, follow_symlinks=False)
        part.rename(folder)

    def _ask(self, *words: str) -> str:
        return process.run(self._git(*words))[1].strip()

    def _git(self, *words: str) -> list[str]:
        return ["git", "--git-dir", str(self._path), *words]
