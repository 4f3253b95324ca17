"""git in a test's repository."""

from __future__ import annotations

import subprocess
from pathlib import Path


def git(folder: Path, *words: str, data: bytes | None = None) -> str:
    """Run git in a folder and return what it prints."""
    argv = ["git", "-C", str(folder), *words]
    return subprocess.run(argv, check=True, capture_output=True, input=data).stdout.decode().strip()
