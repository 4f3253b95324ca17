"""The host program's start: one request on its first line, or an end that says what is wrong with it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from switchyard.core.wire.request import Request
from switchyard.host import __main__ as main
from tests.harness.library import TOP


def start(line: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-S", "-c", "from switchyard.host.__main__ import main; main()"]
    return subprocess.run(argv, input=line, capture_output=True, text=True, cwd=TOP, timeout=60, check=False)


@pytest.mark.parametrize(
    "line,reason",
    [
        ("no JSON\n", "Expecting value"),
        ("{}\n", "v: expected 1, got None"),
        (json.dumps({"v": 1, "verb": "status", "app": "shop"}) + "\n", "root: is missing"),
        (
            json.dumps({"v": 1, "verb": "status", "app": "shop", "root": "~", "magic": 1}) + "\n",
            "magic: is not a known",
        ),
    ],
)
def test_a_request_that_cannot_be_read_ends_with_a_reason_and_no_traceback(line, reason):
    done = start(line)
    end = json.loads(done.stdout)
    assert (done.returncode, done.stderr, end["event"], end["exit"]) == (2, "", "end", 2)
    assert "cannot read the request" in end["reason"] and reason in end["reason"]


def test_a_connection_that_closes_before_its_request_ends_quietly():
    done = start("")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "")
    assert callable(main.main)


@pytest.mark.parametrize("typed,age,ago", [(0, 0.2, 0.2), (75, 0.2, 75), (0.5, 75, 75), (30, 30, 30)])
def test_a_verb_is_as_old_as_the_longer_of_the_times_that_either_side_measured(monkeypatch, typed, age, ago):
    """A control node that stood still knows it; a line that stalled under the request, only the host program knows."""
    served: dict[str, float] = {}
    line = json.dumps(Request("rollback", "shop", "~", attempt="a", typed=typed).encode()) + "\n"
    monkeypatch.setattr(main, "_first_line", lambda _: line.encode())
    monkeypatch.setattr(main.os, "umask", lambda _: 0)
    monkeypatch.setattr(main, "process_age", lambda: age)
    monkeypatch.setattr(main, "now", lambda: 1000.0)
    monkeypatch.setattr(main, "serve", lambda request, words, typed_at: served.update(at=typed_at) or 0)
    with pytest.raises(SystemExit):
        main.main()
    assert served == {"at": 1000.0 - ago}
