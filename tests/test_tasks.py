"""The command line: its verbs and flags, and the errors that it answers before any host is asked."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import pytest

from switchyard import tasks
from tests.harness.command_line import checkout, inv, python
from tests.harness.formats import PRINTED, require_printed


@pytest.mark.parametrize("verb", PRINTED)
def test_a_verb_that_ends_before_it_begins_prints_one_object_with_the_reason(tmp_path, verb):
    folder = checkout(tmp_path)
    done = inv(folder, verb, "--host", "prdo", "--json")
    assert done.returncode == 2 and "did you mean 'prod'" in done.stderr, done.stderr
    told = json.loads(done.stdout)
    assert (told["outcome"], told["exit"], told["release"], told["hosts"]) == ("bad input", 2, None, [])
    assert told["reason"] in done.stderr
    require_printed([verb], done.returncode, done.stdout)


@pytest.mark.parametrize(
    "words,says",
    [
        *(([verb], "name a host with --host") for verb in (*PRINTED, "logs", "services", "shared.apply")),
        (["exec", "--host", "prod"], "exec: name the service with --service"),
        (["scale", "--host", "prod", "--count", "2"], "scale: name the service with --service"),
        (["scale", "--host", "prod", "--service", "web"], "give a number with --count"),
        (["scale", "--host", "prod", "--service", "web", "--count", "two"], "--count two: give a whole number"),
        (["sandbox.up", "--count", "many"], "--count many: give a whole number"),
        (["unlock", "--host", "prod"], "say why with --reason"),
        (["allow", "--host", "prod", "--env", "A"], "say why with --reason"),
        (["allow", "--host", "prod", "--env", "A B"], "--env A B: that is no variable"),
        (["allow", "--host", "prod", "--send", "x y=B"], "--send x: give ADDRESS=NAME,NAME"),
        (["preview", "--host", "prod", "--within", "25h"], "--within 25h: give a time from 1s to 24h"),
        (["preview", "--host", "prod", "--within", "0m"], "--within 0m: give a time from 1s to 24h"),
        (["preview", "--host", "prod", "--within", "soon"], "--within soon: give a time from 1s to 24h"),
        (["preview", "--host", "prod", "--colour", "red"], "--colour red: give idle, live, blue or green"),
        (["history", "--host", "prod", "--count", "0"], "--count 0: give 1 attempt or more"),
        (["logs", "--host", "prod", "--tail", "-1"], "--tail -1: give 1 line or more"),
        (["rollback", "--host", "prod", "--env", "todays"], "the only choice is current"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_a_verb_lacks_is_named_on_the_command_line(tmp_path, words, says):
    folder = checkout(tmp_path)
    done = inv(folder, *words)
    assert done.returncode == 2 and says in done.stderr and "Traceback" not in done.stderr, done.stderr


def test_the_list_of_verbs_imports_nothing_heavy(tmp_path):
    heavy = {"pydantic", "fabric", "paramiko", "rich", "httpx", "psycopg", "switchyard.core.wire.receipt"}
    code = f"import sys, tasks; print(sorted({heavy} & set(sys.modules)))"
    assert python(checkout(tmp_path, ""), "-c", code).stdout.strip() == "[]"


def test_the_list_names_every_verb():
    assert set(tasks.collection(Path()).task_names) == {
        *("deploy", "doctor", "exec", "history", "logs", "plan", "predeploy", "restart", "rollback", "scale"),
        *(
            "allow",
            "preview",
            "services",
            "status",
            "unlock",
            "edge.apply",
            "edge.certificates",
            "sandbox.down",
            "sandbox.up",
            "shared.apply",
        ),
    }


def test_every_flag_has_a_help_text():
    for each in vars(tasks).values():
        if isinstance(each, tasks.Verb):
            flags = list(inspect.signature(each.function).parameters)[1:]
            assert flags == [*each.help], each.function.__name__


def test_tasks_of_one_name_in_two_groups_are_two_tasks():
    assert tasks.shared_apply.task(Path()) != tasks.edge_apply.task(Path())
