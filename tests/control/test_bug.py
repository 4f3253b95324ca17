"""A bug of the control node: one line, and a traceback that holds no secret, in a file for its owner alone."""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path

import pytest

from switchyard import tasks
from switchyard.core.errors import NOT_CHECKED
from tests.harness.command_line import PROD, checkout, python

CANARY = "canary-3f9a1c77d2"
PLANTED = f"""
import contextlib, sys, threading
from pathlib import Path
import switchyard.verbs.status as module
from switchyard.control import known_secrets
from invoke.main import program

def breaks(checkout, host, *, as_json):
    secret = "{CANARY[::-1]}"[::-1]
    if "known" in sys.argv:
        known_secrets.decide([{{"API_TOKEN": secret}}], None, Path("/"))
    if "thread" in sys.argv:
        thread = threading.Thread(target=raises, args=(secret,))
        thread.start()
        thread.join()
        return 0
    try:
        raises(secret)
    except ValueError as error:
        raise RuntimeError(f"led to {{secret}} and {{error}}")

def raises(secret):
    raise ValueError(f"first {{secret}}")

module.status = breaks
how = sys.argv.pop(1)
sys.argv.append("--")
sys.argv.append(how)
program.run()
"""


def run(folder: Path, how: str, *words: str):
    """Run ``inv status`` with a planted bug. Return the process and what it left in its folder for temporary files."""
    folder = checkout(folder, PROD)
    (folder / "planted.py").write_text(PLANTED)
    temporary = folder / "temporary"
    temporary.mkdir()
    done = python(folder, "planted.py", how, "status", "--host", "prod", *words, TMPDIR=str(temporary))
    return done, [*temporary.iterdir()]


@pytest.mark.parametrize("how", ["known", "unknown"])
def test_it_is_one_line_with_the_place_and_a_private_traceback_without_secrets(tmp_path, how):
    done, files = run(tmp_path, how)
    assert done.returncode == NOT_CHECKED, done
    (line,) = done.stderr.splitlines()
    (kept,) = files
    assert re.match(r"Switchyard has a bug: RuntimeError at planted\.py:\d+\. Read ", line) and str(kept) in line
    assert "look with inv status" in line
    text = kept.read_text()
    assert "in raises" in text and "in breaks" in text and "ValueError" in text
    assert ("led to •••" in text) == (how == "known") and ("left out" in text) == (how == "unknown")
    assert CANARY not in done.stdout + done.stderr + text
    assert stat.S_IMODE(os.stat(kept).st_mode) == 0o600


def test_with_json_it_is_one_object_as_well(tmp_path):
    done, _ = run(tmp_path, "known", "--json")
    told = json.loads(done.stdout)
    assert (told["outcome"], told["exit"]) == ("not checked", NOT_CHECKED) and "has a bug" in told["reason"]
    assert "Traceback" not in done.stderr and CANARY not in done.stdout + done.stderr


def test_a_bug_of_a_thread_is_told_the_same_way(tmp_path):
    done, files = run(tmp_path, "thread")
    assert done.returncode == 0 and len(files) == 1
    assert "has a bug: ValueError at planted.py" in done.stderr and "Traceback" not in done.stderr
    assert CANARY not in done.stderr + files[0].read_text()


def test_a_traceback_that_cannot_be_kept_takes_nothing_from_the_line(tmp_path):
    folder = checkout(tmp_path)
    (folder / "planted.py").write_text(PLANTED.replace("program.run()", "import tempfile\n") + UNWRITABLE)
    done = python(folder, "planted.py", "known", "status", "--host", "prod")
    assert done.returncode == NOT_CHECKED and "cannot be kept (No space left on device)" in done.stderr
    assert "Traceback" not in done.stderr and CANARY not in done.stderr


EVERY_VERB = f"""
import dataclasses, functools, sys
from pathlib import Path
from switchyard import tasks
from switchyard.control import known_secrets
from invoke.main import program

def breaking(function):
    @functools.wraps(function)
    def breaks(*_, **__):
        secret = "{CANARY[::-1]}"[::-1]
        known_secrets.decide([{{"API_TOKEN": secret}}], None, Path("/"))
        raise RuntimeError(f"it is {{secret}}")
    return breaks

for name, verb in vars(tasks).copy().items():
    if isinstance(verb, tasks.Verb):
        setattr(tasks, name, dataclasses.replace(verb, function=breaking(verb.function)))
program.run()
"""


@pytest.mark.parametrize("verb", sorted(tasks.collection(Path()).task_names))
def test_a_bug_of_any_verb_is_one_line(tmp_path, verb):
    folder = checkout(tmp_path)
    (folder / "planted.py").write_text(EVERY_VERB)
    (folder / "temporary").mkdir()
    done = python(folder, "planted.py", verb, TMPDIR=str(folder / "temporary"))
    (kept,) = (folder / "temporary").iterdir()
    assert done.returncode == NOT_CHECKED and len(done.stderr.splitlines()) == 1, done
    assert "has a bug: RuntimeError at planted.py" in done.stderr and "it is •••" in kept.read_text()
    assert CANARY not in done.stdout + done.stderr + kept.read_text()


UNWRITABLE = """
def full(**_):
    raise OSError(28, "No space left on device")
tempfile.mkstemp = full
program.run()
"""
