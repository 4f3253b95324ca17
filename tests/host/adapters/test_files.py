"""Files are written whole or not at all, and a damaged one is named."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from switchyard.core.lease import FreeLease
from switchyard.host.adapters import files
from switchyard.host.adapters.files import DamagedFile, link, read_document, read_json, read_message, write


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_for_its_owner_only_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        write(tmp_path / "deep" / "file", "text")
    finally:
        os.umask(before)
    assert (mode(tmp_path / "deep" / "file"), mode(tmp_path / "deep")) == (0o600, 0o700)


def test_a_file_is_written_whole_and_for_its_owner_only(tmp_path):
    write(tmp_path / "a" / "file", "text")
    assert (tmp_path / "a" / "file").read_text() == "text"
    assert mode(tmp_path / "a" / "file") == 0o600
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["file"]


def test_a_file_of_another_mode_gets_that_of_the_write(tmp_path):
    (tmp_path / "file").write_text("old")
    (tmp_path / "file").chmod(0o644)
    write(tmp_path / "file", "new")
    assert mode(tmp_path / "file") == 0o600 and (tmp_path / "file").read_text() == "new"


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_file_as_it_was(tmp_path, monkeypatch, broken):
    def fail(*_: object) -> None:
        raise OSError("no space left on device")

    write(tmp_path / "file", "old")
    with monkeypatch.context() as patch:
        patch.setattr(files.os, broken, fail)
        with pytest.raises(OSError, match="no space left"):
            write(tmp_path / "file", "new and longer")
    assert (tmp_path / "file").read_text() == "old"
    write(tmp_path / "file", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_content_is_synced_before_it_gets_its_name(tmp_path, monkeypatch):
    order: list[str] = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(files.os, name, lambda *a, _n=name, _r=real: (order.append(_n), _r(*a))[1])
    write(tmp_path / "file", "text")
    assert order == ["fsync", "replace", "fsync"]


def test_a_link_points_elsewhere_also_after_a_write_that_was_killed(tmp_path):
    (tmp_path / f".current.{os.getpid()}").symlink_to("left")
    link(tmp_path / "current", "blue")
    link(tmp_path / "current", "green")
    assert os.readlink(tmp_path / "current") == "green"
    assert [path.name for path in tmp_path.iterdir()] == ["current"]


@pytest.mark.parametrize(("text", "why"), [("{torn", "Expecting property name"), ('{"v": 1}', "number: is missing")])
def test_a_file_that_cannot_be_decoded_is_named_with_what_is_wrong_in_it(tmp_path, text, why):
    (tmp_path / "lease.json").write_text(text)
    with pytest.raises(DamagedFile, match=rf"{tmp_path}/lease\.json is damaged: {why}"):
        read_message(tmp_path / "lease.json", FreeLease)


def test_a_compose_document_of_a_wrong_shape_is_named(tmp_path):
    (tmp_path / "blue.json").write_text('{"services": []}')
    assert read_document(tmp_path / "blue.json").services == {}
    (tmp_path / "blue.json").write_text('{"services": {"web": 1}}')
    with pytest.raises(DamagedFile, match=r"blue\.json is damaged: services\.web: expected a mapping"):
        read_document(tmp_path / "blue.json")


def test_a_file_that_is_not_there_holds_nothing(tmp_path):
    assert read_json(tmp_path / "none") is None and read_message(tmp_path / "none", FreeLease) is None
    assert read_document(tmp_path / "none").services == {}
