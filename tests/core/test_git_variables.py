"""A tool that Switchyard starts learns of no repository; tests/control/test_git.py goes through git's own list."""

from __future__ import annotations

from switchyard.core.git_variables import CHOOSES_A_REPOSITORY, without_repository


def test_what_chooses_a_repository_is_left_out_and_the_rest_stays():
    others = {"PATH": "/bin", "GIT_SSH_COMMAND": "ssh -i key"}
    assert without_repository({**others, **dict.fromkeys(CHOOSES_A_REPOSITORY, "x")}) == others
