"""A file is replaced whole, for its owner only."""

from __future__ import annotations

from pathlib import Path

from switchyard.control.whole_file import write_whole


def test_a_file_is_replaced_whole_with_its_folders_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "file"
    for text in ("first", "second"):
        write_whole(path, text)
    assert path.read_text() == "second"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]
