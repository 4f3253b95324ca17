"""The commands of an attempt: told with their step as the plan shows them, and logged with the release."""

from __future__ import annotations

from pathlib import Path

import pytest

from switchyard.core.errors import SwitchyardError
from switchyard.host.adapters.store import Store
from switchyard.host.command_runner import CommandRunner
from switchyard.host.wanted_release import WantedRelease


@pytest.fixture
def runner(tmp_path: Path) -> CommandRunner:
    store = Store(tmp_path / "root")
    store.prepare()
    wanted = WantedRelease(store, "web")
    wanted.id = "R1"
    store.release("R1").mkdir()
    return CommandRunner(wanted, lambda: None)


def test_a_command_is_told_with_its_step_and_logged_with_the_release(runner, tmp_path):
    assert runner.run(["echo", "R1"]) == (0, "R1\n")
    assert runner.of_step == ("echo RELEASE",)
    assert (tmp_path / "root" / "releases" / "R1" / "log").read_text() == "$ echo R1\nR1\n"


def test_the_next_step_begins_without_the_commands_of_the_one_before(runner):
    runner.run(["true"], shown=["docker", "stop", "<containers of green>"])
    assert runner.of_step == ("docker stop <containers of green>",)
    runner.begin_step()
    assert runner.of_step == ()


def test_what_a_tick_raises_ends_the_command(runner):
    def cancel() -> None:
        raise SwitchyardError("enough")

    with pytest.raises(SwitchyardError, match="enough"):
        runner.run(["sleep", "60"], tick=cancel)
