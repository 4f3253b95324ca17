"""The host program's start: one request on its first line, or an end that says what is wrong with it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

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
