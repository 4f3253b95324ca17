"""Files are laid into folders that containers may write to, and nothing else is read or written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from switchyard.core.errors import SwitchyardError
from switchyard.host.adapters import contained
from switchyard.host.adapters.contained import lay


@pytest.fixture
def source(tmp_path: Path) -> Path:
    put(tmp_path / "source", "conf/a.ini", "new")
    put(tmp_path / "source", "other/b.ini", "elsewhere")
    (tmp_path / "target").mkdir()
    put(tmp_path, "secret", "the deploy user's")
    return tmp_path / "source"


@pytest.fixture
def target(source: Path) -> Path:
    return source.with_name("target")


def put(home: Path, name: str, text: str) -> None:
    (home / name).parent.mkdir(parents=True, exist_ok=True)
    (home / name).write_text(text)


def test_a_file_takes_the_place_of_a_folder_and_a_folder_with_its_rights_that_of_a_file(source, target):
    (source / "conf").chmod(0o711)
    put(target, "conf", "old")
    put(target, "other/b.ini/deep/file", "old")
    lay(source, target, "conf")
    lay(source, target, "other/b.ini")
    assert (target / "conf").stat().st_mode & 0o777 == 0o711
    assert (target / "conf" / "a.ini").read_text() == "new" and (target / "other" / "b.ini").read_text() == "elsewhere"


def test_files_and_folders_that_are_mounted_stay_the_same_and_others_go(source, target):
    put(target, "conf/a.ini", "old and longer")
    put(target, "conf/gone/file", "old")
    mounted = [(target / name).stat().st_ino for name in ("conf", "conf/a.ini")]
    lay(source, target, "conf")
    assert mounted == [(target / name).stat().st_ino for name in ("conf", "conf/a.ini")]
    assert (target / "conf" / "a.ini").read_text() == "new" and os.listdir(target / "conf") == ["a.ini"]


@pytest.mark.parametrize(
    ("link", "content"),
    [("a.ini", "new"), ("../other/b.ini", "elsewhere"), ("../../secret", None), ("/etc/passwd", None), ("gone", None)],
)
def test_a_link_of_a_release_is_what_it_leads_to_where_that_is_in_the_release(link, content, source, target):
    (source / "conf" / "link").symlink_to(link)
    lay(source, target, "conf", follow=True)
    if content is None:
        assert os.readlink(target / "conf" / "link") == link
    else:
        assert not (target / "conf" / "link").is_symlink() and (target / "conf" / "link").read_text() == content


def test_a_folder_that_leads_to_itself_ends(source, target):
    (source / "conf" / "self").symlink_to("../conf")
    (source / "conf" / "loop").symlink_to("loop")
    lay(source, target, "conf", follow=True)
    assert sorted(os.listdir(target / "conf")) == ["a.ini", "loop", "self"]


def test_what_is_no_file_is_neither_read_nor_written_into(source, target):
    os.mkfifo(source / "conf" / "pipe")
    put(target, "conf/pipe", "old")
    (target / "conf" / "a.ini").unlink(missing_ok=True)
    os.mkfifo(target / "conf" / "a.ini")
    lay(source, target, "conf")
    assert os.listdir(target / "conf") == ["a.ini"] and (target / "conf" / "a.ini").read_text() == "new"


def test_what_cannot_be_removed_is_an_error_that_says_so(source, target, monkeypatch):
    put(target, "conf", "old")
    monkeypatch.setattr(contained, "remove", lambda *_: None)
    with pytest.raises(SwitchyardError, match="conf cannot be written: File exists"):
        lay(source, target, "conf")
