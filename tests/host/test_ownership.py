"""What runs on a host may be changed by its user and root alone, whatever way leads there."""

from __future__ import annotations

import grp
import os
import pwd
from pathlib import Path
from types import SimpleNamespace

import pytest

from switchyard.host.ownership import problems


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "apps" / "shop" / "bin" / "abc").mkdir(parents=True)
    return tmp_path / "apps" / "shop"


def of(root: Path) -> list[str]:
    return problems(f"{root}/bin/abc", inner=3)


def test_the_user_s_own_folders_are_fine_and_so_is_what_does_not_exist_yet(root):
    assert of(root) == [] and of(root.parent / "new") == []


@pytest.mark.parametrize("name", ["apps", "apps/shop", "apps/shop/bin", "apps/shop/bin/abc"])
def test_a_folder_that_everybody_may_write_to_is_named_with_what_ends_that(name, root, tmp_path):
    (tmp_path / name).chmod(0o757)
    assert of(root) == [f"everybody may write to {tmp_path / name} (chmod o-w {tmp_path / name})"]


def test_a_sticky_folder_is_fine_above_the_root_alone(root):
    root.parent.chmod(0o1777)
    assert of(root) == []
    root.chmod(0o1757)
    assert of(root) == [f"everybody may write to {root} (chmod o-w {root})"]


def test_a_group_is_fine_where_it_is_the_user_s_own(root, monkeypatch):
    me = pwd.getpwuid(os.geteuid()).pw_name
    root.chmod(0o775)
    for name, members, is_fine in ((me, [], True), (me, ["eve"], False), ("staff", [], False), ("root", [me], True)):
        monkeypatch.setattr(
            grp, "getgrgid", lambda _, name=name, them=members: SimpleNamespace(gr_name=name, gr_mem=them)
        )
        assert (of(root) == []) is is_fine
    monkeypatch.setattr(os, "listxattr", lambda _: ["system.posix_acl_access"])
    assert of(root) == [f"its group may write to {root} (chmod g-w {root})"]


def test_what_a_link_leads_to_counts_too(root, tmp_path):
    (tmp_path / "link").symlink_to("./apps/../apps")
    (tmp_path / "absolute").symlink_to(root.parent)
    root.parent.chmod(0o757)
    for way in ("link", "absolute"):
        assert of(tmp_path / way / "shop") == [f"everybody may write to {root.parent} (chmod o-w {root.parent})"]
    (tmp_path / "loop").symlink_to("loop")
    assert of(tmp_path / "loop") == []


def test_somebody_else_s_folder_is_named(root, monkeypatch):
    real = os.lstat

    def lstat(path: str) -> object:
        status = real(path)
        owner = 4321 if path == str(root) else status.st_uid
        return SimpleNamespace(st_mode=status.st_mode, st_uid=owner, st_gid=status.st_gid)

    monkeypatch.setattr(os, "lstat", lstat)
    assert of(root) == [f"{root} belongs to user 4321 (chown -h {os.geteuid()} {root})"]
