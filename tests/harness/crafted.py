"""Git objects as no git would make them: trees and commits of any bytes."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.harness.git import git

IDENTITY = b"A <a@example.invalid> 1 +0000"
Entry = tuple[bytes, bytes, str]
"""Mode, name and id of an entry of a tree."""


def repository(folder: Path) -> Path:
    """Create an empty repository."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "--quiet")
    return folder


def stored(top: Path, kind: str, data: bytes) -> str:
    """Store an object of any content, and return its id."""
    argv = ["git", "-C", str(top), "hash-object", "-t", kind, "-w", "--stdin", "--literally"]
    return subprocess.run(argv, check=True, capture_output=True, input=data).stdout.decode().strip()


def blob(top: Path, data: bytes = b"x\n") -> str:
    return stored(top, "blob", data)


def tree(top: Path, entries: Sequence[Entry]) -> str:
    """Store a tree of these entries, in this order."""
    return stored(top, "tree", b"".join(b"%s %s\0%s" % (mode, name, bytes.fromhex(id_)) for mode, name, id_ in entries))


def commit(top: Path, tree_id: str, parent: str = "", author: bytes = IDENTITY) -> str:
    """Store a commit, and point HEAD's branch at it."""
    head = f"tree {tree_id}\n" + (f"parent {parent}\n" if parent else "")
    new_commit = stored(top, "commit", head.encode() + b"author %s\ncommitter %s\n\nx\n" % (author, IDENTITY))
    (top / ".git" / "refs" / "heads" / git(top, "symbolic-ref", "--short", "HEAD")).write_text(f"{new_commit}\n")
    return new_commit


def packed(top: Path, commit_id: str) -> bytes:
    """Return a pack of a commit and all before it."""
    argv = ["git", "-C", str(top), "pack-objects", "--revs", "--stdout", "--quiet"]
    return subprocess.run(argv, check=True, capture_output=True, input=f"{commit_id}\n".encode()).stdout
