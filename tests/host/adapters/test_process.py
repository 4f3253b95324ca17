"""A command on the host: what ends it, and what comes back."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from switchyard.core.errors import NotChecked, SwitchyardError
from switchyard.host.adapters import process
from switchyard.host.inbox import Cancelled


def test_a_command_that_is_cancelled_ends_with_all_that_it_started(tmp_path):
    mark = tmp_path / "child"
    began = time.monotonic()

    def tick() -> None:
        if mark.exists() and mark.read_text().strip():
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        process.run(["sh", "-c", f"sleep 60 & echo $! > {mark}; wait"], tick=tick)
    assert time.monotonic() - began < 5
    state = Path(f"/proc/{int(mark.read_text())}/stat")
    deadline = time.monotonic() + 5
    while state.exists() and state.read_text().rsplit(")", 1)[1].split()[0] != "Z":
        assert time.monotonic() < deadline


def test_a_command_that_takes_too_long_is_ended_and_named():
    with pytest.raises(SwitchyardError, match=r"sleep 60 … did not end within 0 s"):
        process.run(["sleep", "60"], within=0.2)


def test_a_command_s_whole_output_and_code_come_back():
    logged = []
    code, text = process.run(["sh", "-c", "seq 100000; exit 3"], check=False, log=logged.append)
    assert code == 3 and text.split()[-1] == "100000" and logged[0].endswith(text)
    with pytest.raises(SwitchyardError, match="ended with 3"):
        process.run(["sh", "-c", "exit 3"])
    with pytest.raises(NotChecked, match="no-such-program is not installed"):
        process.run(["no-such-program"])


@pytest.mark.parametrize("command", ["cat /dev/zero", "trap '' TERM; cat /dev/zero & cat /dev/zero"])
def test_a_command_that_prints_without_an_end_is_ended_and_named(monkeypatch, command):
    monkeypatch.setattr(process, "OUTPUT_MOST", 1 << 20)
    monkeypatch.setattr(process, "END_WITHIN", 0.5)
    ticks: list[float] = []
    began = time.monotonic()
    with pytest.raises(SwitchyardError, match=r"sh -c … printed more than 1 MiB"):
        process.run(["sh", "-c", command], tick=lambda: ticks.append(time.monotonic()))
    assert time.monotonic() - began < 5


def test_a_command_that_closes_its_output_is_waited_for_and_ticks():
    ticks: list[int] = []
    code, text = process.run(
        ["sh", "-c", "echo a; exec >&- 2>&-; sleep 0.5; exit 4"], check=False, tick=lambda: ticks.append(1)
    )
    assert (code, text) == (4, "a\n") and ticks
