"""Names, roots, messages and values of any kind: nothing reaches a shell unquoted, and everything arrives whole."""

from __future__ import annotations

import ast
import io
import shlex
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from switchyard.control.commit import pick_commit
from switchyard.control.host_program import bootstrap
from switchyard.control.operator_process import is_orphan, machine_id
from switchyard.control.screen import Screen
from switchyard.core.wire.request import Holder, Operator

LIBRARY = Path(__file__).parents[2] / "switchyard"
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
ODD = st.text(st.sampled_from("ab' \"\\$`{}()#=;&|<>*?!~%\n\t☃ü"), max_size=40)
SLOWLY = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(TEXT)
def test_a_root_of_any_name_is_one_word_to_the_host_s_shell(root):
    program, *flags, code = shlex.split(bootstrap(root, "0123", 1))
    assert (program, flags) == ("python3", ["-I", "-S", "-c"])
    assert ast.literal_eval(ast.parse(code).body[0].value) == root


@SLOWLY
@given(st.text(st.sampled_from("a' \"\\$`;&|\n☃"), min_size=1, max_size=30))
def test_a_real_shell_runs_the_bootstrap_and_nothing_of_the_root(tmp_path, root):
    code = shlex.split(bootstrap(root, "0123", 1))[-1].split("\n")[0] + "\nprint(ROOT, end='')"
    done = subprocess.run(
        ["sh", "-c", f"python3 -c {shlex.quote(code)}"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
    )
    assert (done.stdout, done.stderr) == (root, "") and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", sorted(LIBRARY.rglob("*.py")), ids=lambda path: path.relative_to(LIBRARY).as_posix())
def test_no_command_of_the_library_goes_through_a_shell_of_its_own(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.keyword):
            assert node.arg != "shell"
        if isinstance(node, ast.Attribute):
            assert node.attr not in ("system", "popen", "getoutput", "getstatusoutput")


@SLOWLY
@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1).filter(str.strip))
def test_a_commit_message_of_any_kind_is_its_subject(tmp_path_factory, message):
    top = tmp_path_factory.mktemp("odd")
    subprocess.run(["git", "-C", str(top), "init", "--quiet"], check=True)
    words = ["commit", "--quiet", "--allow-empty", "--cleanup=verbatim", "--message", message]
    subprocess.run(["git", "-C", str(top), *words], check=True)
    assert pick_commit(top, None, allow_dirty=False).subject.strip() == message.strip()


@example(":warning: [b]x[/] \\", "red")
@example("\\", "")
@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"])), st.sampled_from(["", "red"]))
def test_what_a_person_reads_is_the_text_itself(text, style):
    screen = Screen(as_json=False)
    screen.console.file = io.StringIO()
    screen.say(text, style)
    assert screen.console.file.getvalue() == f"{text}\n"


@pytest.mark.parametrize("machine,gone", [(machine_id(), True), ("another/boot", False)])
def test_only_the_machine_of_a_lease_s_owner_can_tell_that_its_process_is_gone(machine, gone):
    ended = subprocess.Popen(["true"])
    ended.wait()
    holder = Holder("one", Operator(machine, ended.pid, "1"))
    assert is_orphan(holder) is gone
