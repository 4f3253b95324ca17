"""Files of Git LFS in a test's repository, as git-lfs leaves them; the program itself is not needed."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tests.harness.git import git


def pointer_to(content: bytes) -> str:
    """Return the pointer that stands for a content."""
    sha256 = hashlib.sha256(content).hexdigest()
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {len(content)}\n"


def object_at(store: Path, content: bytes) -> Path:
    """Return where a store of git-lfs keeps a content."""
    sha256 = hashlib.sha256(content).hexdigest()
    return store / "objects" / sha256[:2] / sha256[2:4] / sha256


def store_object(store: Path, content: bytes) -> None:
    """Write a content into a store of git-lfs."""
    path = object_at(store, content)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def stage_pointer(top: Path, name: str, content: bytes) -> None:
    """Write a file into the work tree and its pointer into the index, as git-lfs does."""
    (top / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n")
    path = top / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    blob = git(top, "hash-object", "-w", "--stdin", data=pointer_to(content).encode())
    git(top, "update-index", "--add", "--cacheinfo", f"100644,{blob},{name}")
