"""Who may do what with a file of this host."""

from __future__ import annotations

import pwd
from pathlib import Path

from switchyard.core.wire.answers import FileRights


def rights(path: Path) -> FileRights | None:
    """Return a file's mode and owner, or why they are not known; None where there is no file."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        return FileRights(why=str(error.strerror))
    try:
        owner = pwd.getpwuid(status.st_uid).pw_name
    except KeyError:
        owner = str(status.st_uid)
    return FileRights(mode=f"{status.st_mode & 0o7777:04o}", owner=owner, uid=status.st_uid, gid=status.st_gid)
