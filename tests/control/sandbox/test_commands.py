"""A command that fails, is missing or takes too long is named with what it printed."""

from __future__ import annotations

from pathlib import Path

import pytest

from switchyard.control.sandbox import commands
from switchyard.core.errors import BadInput, NotChecked, SwitchyardError


def test_a_command_gets_its_text_and_returns_what_it_prints() -> None:
    assert commands.checked(["cat"], text="hello") == "hello"


def test_a_failed_command_is_an_error_with_its_exit_code_and_output() -> None:
    with pytest.raises(SwitchyardError, match=r"sh -c .* exited with 3: no disk"):
        commands.checked(["sh", "-c", "echo no disk >&2; exit 3"])


def test_a_missing_command_is_not_checked() -> None:
    with pytest.raises(NotChecked, match=r"no-such-program is not on this machine's PATH"):
        commands.run(["no-such-program"])


def test_a_command_beyond_its_time_limit_is_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "COMMAND_SECONDS", 0.1)
    with pytest.raises(NotChecked, match=r"sleep 5 did not end"):
        commands.run(["sleep", "5"])


def test_a_script_passes_on_its_lines_and_its_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "SCRIPTS", tmp_path)
    (tmp_path / "build.py").write_text("import sys\nprint('building')\nsys.exit(len(sys.argv) - 1)\n")
    lines: list[str] = []
    commands.run_script("build.py", [], lines.append)
    assert lines == ["building"]
    with pytest.raises(SwitchyardError, match="building"):
        commands.run_script("build.py", ["fail"], lines.append)
    with pytest.raises(BadInput, match=r"need a checkout of Switchyard"):
        commands.run_script("load.py", [], lines.append)
