"""The commit that a deploy ships."""

from __future__ import annotations

import subprocess

from switchyard.control import commit


def test_whether_a_commit_descends_is_told_as_far_as_the_repository_knows(tmp_path):
    def git(*words: str) -> str:
        done = subprocess.run(["git", "-C", str(tmp_path), *words], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    git("init", "--quiet")
    commits = []
    for number in range(2):
        git("commit", "--quiet", "--allow-empty", "--message", str(number))
        commits.append(git("rev-parse", "HEAD"))
    newer, older = (commit.pick(tmp_path, rev, allow_dirty=False) for rev in commits[::-1])
    assert commit.descends(newer, commits[0]) is True
    assert commit.descends(older, commits[1]) is False
    assert commit.descends(newer, "0" * 40) is None
