"""What a folder holds, so that a test sees whether anything in it changed."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def contents_of(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return each path below a folder with its mode and content: a link's target, a file's bytes."""
    contents = {}
    for path in folder.rglob("*"):
        mode = path.lstat().st_mode
        data = os.readlink(os.fsencode(path)) if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        contents[str(path.relative_to(folder))] = (stat.S_IMODE(mode), data)
    return contents
