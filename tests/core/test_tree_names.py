"""No two paths of a release are one file, and none is outside of it, whatever the file system."""

from __future__ import annotations

import pytest

from switchyard.core.tree_names import PART_MOST, problems


@pytest.mark.parametrize(
    "path",
    [b"..", b"a/./b", b"a/", b".GIT", b".git/x", b"GIT~1/x", b".g\xe2\x80\x8cit/x", b".git. /x", b".git::$INDEX/x"]
    + [b"a\\.git\\x", b"x" * (PART_MOST + 1), b"long/" * 700 + b"x"],
)
def test_a_way_out_or_into_a_repository_is_named(path):
    (problem,) = problems([path])
    assert problem.startswith("the commit has a file that no release may have: ")


@pytest.mark.parametrize(
    ("paths", "words"),
    [
        ([b"a", b"a"], "two entries of one name: a."),
        ([b"a", b"a/b"], "two entries of one name: a."),
        ([b"a/b", b"a"], "two entries of one name: a."),
        ([b"README", b"readme"], "README and readme, which are one name where case does not count"),
        ([b"Conf/a", b"conf/b"], "Rename one of them: git mv conf NEW_NAME"),
        ([b"link", b"Link/authorized_keys"], "link and Link"),
        ([b"caf\xc3\xa9", b"cafe\xcc\x81"], "one name"),
        ([b"stra\xc3\x9fe", b"STRASSE"], "one name"),
    ],
)
def test_two_paths_that_are_one_somewhere_are_named(paths, words):
    assert any(words in problem for problem in problems(paths))


def test_all_problems_are_named_and_honest_names_are_none():
    assert len([*problems([b"../x", b"a", b"A"])]) == 2
    honest = [
        b".gitignore",
        b".github/a",
        b"git/x",
        b"a.git",
        b"a/b",
        b"a/c",
        b"...",
        b"\xff",
        b"a b",
        "ünïcode".encode(),
    ]
    assert not [*problems(honest)]
