"""Who may do what with a file; read the same way on a host and beside the operator."""

from __future__ import annotations

import pwd
from pathlib import Path


def rights(path: Path) -> dict[str, str] | None:
    """A file's mode and owner, or why it cannot be looked at; None where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        return {"why": str(error.strerror)}
    try:
        owner = pwd.getpwuid(found.st_uid).pw_name
    except KeyError:
        owner = str(found.st_uid)
    return {"mode": f"{found.st_mode & 0o7777:04o}", "owner": owner}
