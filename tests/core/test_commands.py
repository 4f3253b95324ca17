"""How a command is shown, and the digest of a plan."""

from __future__ import annotations

from switchyard.core import commands


def test_a_digest_is_of_steps_and_commands():
    steps = [("build", ["a"]), ("switch green", ["b"])]
    assert commands.digest(steps) == commands.digest([(name, tuple(argv)) for name, argv in steps])
    assert len({commands.digest(changed) for changed in (steps, steps[::-1], steps[:1], [("build", ["b"])])}) == 4


def test_a_command_is_shown_without_ids_that_differ_from_run_to_run():
    argv = ["docker", "tag", "sha256:" + "a" * 64, "switchyard/shop/web:R7"]
    assert commands.shown(argv, "R7") == "docker tag IMAGE switchyard/shop/web:RELEASE"
    assert commands.shown(argv, "") == "docker tag IMAGE switchyard/shop/web:R7"
