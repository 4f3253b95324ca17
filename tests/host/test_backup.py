"""What an apply replaces comes back whole, also after an apply that was killed."""

from __future__ import annotations

from pathlib import Path

import pytest

from switchyard.host import backup
from switchyard.host.adapters.store import Store


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name, text in (("compose.json", "old"), ("files/conf/a.ini", "old"), ("files/conf/only.old", "old")):
        put(tmp_path / "shared", name, text)
    return tmp_path / "shared"


def put(home: Path, name: str, text: str) -> None:
    (home / name).parent.mkdir(parents=True, exist_ok=True)
    (home / name).write_text(text)


def texts(home: Path) -> dict[str, str]:
    there = [path for name in backup.KEPT for path in (home / name, *(home / name).rglob("*")) if path.is_file()]
    return {str(path.relative_to(home)): path.read_text() for path in there}


def change(home: Path) -> None:
    """What an apply does to documents and files."""
    (home / "files" / "conf" / "only.old").unlink()
    for name in ("compose.json", "files/conf/a.ini", "files/conf/only.new/deep"):
        put(home, name, "new")


def test_what_is_put_back_is_all_that_was_kept_and_in_the_files_that_containers_have_mounted(home):
    before, mounted = texts(home), [(home / "files/conf").stat().st_ino, (home / "files/conf/a.ini").stat().st_ino]
    backup.keep(home, ["db"])
    change(home)
    backup.put_back(home)
    assert texts(home) == before
    assert mounted == [(home / "files/conf").stat().st_ino, (home / "files/conf/a.ini").stat().st_ino]


def test_an_apply_after_one_that_was_killed_goes_back_to_what_was_before_either(home):
    before = texts(home)
    backup.keep(home, ["db"])
    change(home)
    backup.keep(home, ["cache"])
    assert texts(home) == before and backup.left(home) == ["cache", "db"]
    change(home)
    backup.put_back(home)
    assert texts(home) == before


def test_nothing_goes_live_on_what_a_killed_apply_left_until_it_is_proven(home):
    store = Store(home.parent)
    assert backup.reasons_unfinished(store) == []
    backup.keep(home, ["db"])
    (reason,) = backup.reasons_unfinished(store)
    assert "inv shared.apply was cut short" in reason
    backup.forget(home)
    assert backup.reasons_unfinished(store) == []
    assert backup.left(home) == [] and sorted(path.name for path in home.iterdir()) == ["compose.json", "files"]
