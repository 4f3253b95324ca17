"""The id of a tree is git's own, and no path leads out of a release."""

from __future__ import annotations

import io
import os
import subprocess
from pathlib import Path

import pytest

from switchyard.core.errors import SwitchyardError
from switchyard.core.tree import Entry, algorithm_of, blob_id, contents, entries, file_mode, tree_id
from tests.harness.git import git

NAMES = ("a", "a.b", "a/b", "ab", "a0/c", "dir/sub/deep", "dir.d", "dir0", "Z", "with space", "line\nbreak", "ünïcode")
"""Names whose order is another one for folders, and names that are quoted in listings."""


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_ids_are_those_of_git_for_every_mode_and_order(algorithm, tmp_path):
    git(tmp_path, "init", "--quiet", f"--object-format={algorithm}")
    for name in NAMES:
        if name == "a":
            continue
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode() * 3)
    (tmp_path / b"not \xff utf-8".decode(errors="surrogateescape")).write_bytes(b"")
    (tmp_path / "Z").chmod(0o755)
    (tmp_path / "link").symlink_to("/absolute/and/absent")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "x")
    git(tmp_path, "update-index", "--add", "--cacheinfo", f"160000,{git(tmp_path, 'rev-parse', 'HEAD')},module")
    tree = git(tmp_path, "write-tree")
    listed = entries(listing(tmp_path, tree))
    assert tree_id(listed, algorithm) == tree and algorithm_of(tree) == algorithm
    assert {entry.mode for entry in listed} == {b"100644", b"100755", b"120000", b"160000"}
    for entry in listed:
        path = os.fsencode(tmp_path / os.fsdecode(entry.path))
        if entry.mode.startswith(b"100"):
            assert blob_id(os.path.getsize(path), [Path(os.fsdecode(path)).read_bytes()], algorithm) == entry.id
    assert tree_id([]) == git_empty_tree()


def listing(folder: Path, tree: str) -> bytes:
    argv = ["git", "-C", str(folder), "ls-tree", "-r", "-z", "--full-tree", tree]
    return subprocess.run(argv, check=True, capture_output=True).stdout


def git_empty_tree() -> str:
    done = subprocess.run(["git", "hash-object", "-t", "tree", "--stdin"], input=b"", check=True, capture_output=True)
    return done.stdout.decode().strip()


@pytest.mark.parametrize("path", [b"../x", b"a/../x", b"/x", b"a//b", b".git/config", b"a/.GIT/hooks/x", b"."])
def test_a_path_that_leads_out_of_the_tree_is_refused(path):
    with pytest.raises(SwitchyardError, match="the commit has a file that no release may have"):
        entries(b"100644 blob %s\t%s\0" % (b"0" * 40, path))


@pytest.mark.parametrize(
    ("written", "mode"),
    [(b"100644", b"100644"), (b"100664", b"100644"), (b"100755", b"100755"), (b"100775", b"100755"), (b"120000",) * 2],
)
def test_of_a_file_s_mode_only_its_owner_s_right_to_execute_counts(written, mode):
    (entry,) = entries(b"%s blob %s\tname\0" % (written, b"0" * 40))
    assert entry.mode == mode and file_mode(0o664) == b"100644" and file_mode(0o711) == b"100755"


def test_contents_are_read_in_their_order_and_a_lack_of_one_is_an_error():
    files = [Entry(b"one", b"100644", "1"), Entry(b"two", b"100644", "2"), Entry(b"gone", b"100644", "3")]
    output = io.BytesIO(b"1 blob 4\nab\nc\n2 blob 0\n\n3 missing\n")
    read = []
    with pytest.raises(SwitchyardError, match="git has no content for gone"):
        read.extend((entry.path, b"".join(parts)) for entry, parts in contents(output, files))
    assert read == [(b"one", b"ab\nc"), (b"two", b"")]
    with pytest.raises(SwitchyardError, match="git ended within a file"):
        [b"".join(parts) for _, parts in contents(io.BytesIO(b"1 blob 9\nshort"), files)]
