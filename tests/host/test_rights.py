"""The rights of a file, or why nobody knows them."""

from __future__ import annotations

import getpass
import os

from switchyard.core.wire.answers import FileRights
from switchyard.host.rights import rights


def test_a_file_has_a_mode_and_an_owner_and_a_missing_one_has_none(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "file").chmod(0o640)
    assert rights(tmp_path / "file") == FileRights(
        mode="0640", owner=getpass.getuser(), uid=os.getuid(), gid=os.getgid()
    )
    assert rights(tmp_path / "none") is None


def test_a_file_that_cannot_be_looked_at_says_why(tmp_path):
    (tmp_path / "file").touch()
    assert rights(tmp_path / "file" / "below") == FileRights(why="Not a directory")
