"""Files are written below one folder, through no link, and over nothing that is there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from switchyard.core.errors import SwitchyardError
from switchyard.core.extraction import destination, extract, in_order
from switchyard.core.tree import FILE, LINK, PROGRAM, SUBMODULE, Entry


def write(top: Path, *files: tuple[bytes, bytes, bytes], folders: tuple[bytes, ...] = ()) -> None:
    extract(folders, ((Entry(path, mode, ""), [text]) for path, mode, text in files), os.fsencode(top), os)


def test_files_programs_links_and_folders_are_written_whatever_the_umask(tmp_path):
    before = os.umask(0o077)
    try:
        files = ((b"a/b/c", FILE, b"1"), (b"top", PROGRAM, b""), (b"a/d", FILE, b"2"), (b"a/link", LINK, b"b/c"))
        write(tmp_path, *files, folders=(b"a", b"a/b"))
    finally:
        os.umask(before)
    assert (tmp_path / "a" / "link").read_text() == "1" and (tmp_path / "a" / "d").read_text() == "2"
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("a", "a/b/c", "top")] == [0o755, 0o644, 0o755]


@pytest.mark.parametrize("way", ["a", "a/b", "a/b/c"])
def test_what_is_in_the_way_ends_it_and_nothing_is_written_outside(way, tmp_path):
    (tmp_path / "outside" / "b").mkdir(parents=True)
    (tmp_path / "top" / way).parent.mkdir(parents=True)
    (tmp_path / "top" / way).symlink_to(tmp_path / "outside")
    with pytest.raises(SwitchyardError, match="in the way of"):
        write(tmp_path / "top", (b"a/b/c", FILE, b"1"))
    assert [path.name for path in (tmp_path / "outside").rglob("*")] == ["b"]


@pytest.mark.parametrize("target", [b"", b"a\0b"])
def test_a_link_without_a_target_is_an_error(target, tmp_path):
    with pytest.raises(SwitchyardError, match="link is a link that leads nowhere"):
        write(tmp_path, (b"link", LINK, target))


def test_links_come_last_and_submodules_have_no_content():
    files = [Entry(b"a", LINK, ""), Entry(b"b", FILE, ""), Entry(b"c", SUBMODULE, "")]
    assert [entry.path for entry in in_order(files)] == [b"b", b"a"]


LINKS = {
    b"up": b"..",
    b"a/top": b"..",
    b"abs": b"/etc",
    b"loop": b"loop",
    b"in": b"a/./b",
    b"far": b"deep/er",
    b"x/y": b"../in",
}


@pytest.mark.parametrize(
    ("path", "end"),
    [
        (b"a//b/.", b"a/b"),
        (b"in/c", b"a/b/c"),
        (b"x/y/c", b"a/b/c"),
        (b"far/..", b"deep"),
        (b"a/top", b""),
        (b"a/top/in", b"a/b"),
        (b"up", None),
        (b"a/top/..", None),
        (b"abs/passwd", None),
        (b"loop", None),
        (b"a/../..", None),
    ],
)
def test_a_path_is_walked_as_the_kernel_walks_it(path, end):
    assert destination(path, LINKS.get) == end
