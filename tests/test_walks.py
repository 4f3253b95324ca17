"""The ways in ARCHITECTURE.md lead to a new check, verb and service kind, by editing only the files that they list."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[1]
COPIED = ("switchyard", "sql", "requirements", "tests/core", "tests/harness", "tests/conftest.py", "tests/__init__.py")
COPIED += ("tasks.py", "noxfile.py", "invoke.yaml", "pyproject.toml", "README.md")

CHECK = """
from switchyard.predeploy.engine.check import Check
from switchyard.predeploy.engine.result import PASS, Result
from switchyard.predeploy.engine.subject import Subject


def run(subject: Subject) -> Result:
    return Result(PASS, f"{subject.app.name} has a walk")


CHECK = Check("walk", "code", "the walk leads somewhere", "nothing", run, source=__import__("pathlib").Path(__file__))
"""
VERB = """
from pathlib import Path


def greet(checkout: Path) -> int:
    print(f"hello from {checkout.name}")
    return 0
"""
FLAGS = """
@verb()
def greet(checkout: Path) -> int:
    \"\"\"Greet.\"\"\"
    from switchyard.verbs.greet import greet

    return greet(checkout)


"""
ANSWER = """

@message(frozen=True)
class Greeting(Message):
    text: str
"""
QUERY = """
from switchyard.core.wire.answers import Greeting
from switchyard.core.wire.request import Request
from switchyard.host.adapters.store import Store


def greet(store: Store, request: Request) -> Greeting:
    return Greeting(f"hello, {request.app}")
"""
KINDS = """
from switchyard.core.kinds import kind_named
from switchyard.settings.model import AppSetting

assert kind_named("sidecar").side_by_side
assert AppSetting(kinds={"proxy": "sidecar"}).kinds == {"proxy": "sidecar"}
print("a kind of its own")
"""


def listed(section: str, *, later: bool = False) -> set[str]:
    """Return the files that a section of ARCHITECTURE.md lists; with ``later`` those after its first paragraph too."""
    text = (TOP / "ARCHITECTURE.md").read_text()
    body = text.partition(f"## {section}\n")[2].partition("\n## ")[0]
    assert body, f"ARCHITECTURE.md has no section {section!r}"
    lists = re.split(r"\n\n(?=[A-Z])", body)
    return set(re.findall(r"(?m)^- `([^`]+)`:", body if later else lists[0]))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Copy what the walks touch and run."""
    for name in COPIED:
        source, target = TOP / name, tmp_path / "copy" / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    return tmp_path / "copy"


def edit(copy: Path, edits: Mapping[str, tuple[str, str]]) -> None:
    """Insert a text before another in a file; an empty other makes a new file."""
    for name, (anchor, text) in edits.items():
        path = copy / name
        if not anchor:
            assert not path.exists(), f"{name} is not new"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            continue
        before = path.read_text()
        assert anchor in before, f"{name} lacks {anchor!r}"
        path.write_text(before.replace(anchor, text + anchor, 1))


def python(copy: Path, *words: str, text: str = "") -> str:
    done = subprocess.run(
        [sys.executable, *words], cwd=copy, input=text, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_check_is_added_by_its_module_its_row_and_its_test(copy: Path) -> None:
    edits = {
        "switchyard/predeploy/code/walk.py": ("", CHECK),
        "switchyard/predeploy/code/all.py": ("CHECKS:", "from switchyard.predeploy.code import walk\n\n"),
    }
    edit(copy, edits)
    edit(copy, {"switchyard/predeploy/code/all.py": ("lint.CHECK, ", "walk.CHECK, ")})
    assert {name.replace("walk", "NAME") for name in edits} | {"tests/predeploy/code/test_NAME.py"} == listed(
        "To add a check"
    )
    assert "the walk leads somewhere" in python(copy, "-m", "invoke", "predeploy", "--list")
    application = copy.parent / "shop"
    application.mkdir()
    (application / "compose.yaml").write_text("services: {}\n")
    subprocess.run(["git", "init", "--quiet", str(application)], check=True)
    output = python(copy, "-m", "invoke", "predeploy", "--app", str(application), "--only", "walk")
    assert "1 of 1 checks passed" in output and "walk" in output


def test_a_verb_is_added_by_its_story_its_flags_and_what_it_asks_a_machine(copy: Path) -> None:
    edits = {
        "switchyard/verbs/greet.py": ("", VERB),
        "switchyard/tasks.py": ("def here(", FLAGS),
        "switchyard/core/wire/answers.py": ("\n\n@message(frozen=True)\nclass Changes", ANSWER),
        "switchyard/host/queries/greet.py": ("", QUERY),
        "switchyard/host/queries/__init__.py": (
            "QUERIES:",
            "from switchyard.host.queries.greet import greet\n\n",
        ),
    }
    edit(copy, edits)
    edit(copy, {"switchyard/host/queries/__init__.py": ('    "facts":', '    "greet": greet,\n')})
    edit(copy, {"switchyard/tasks.py": ("rollback, predeploy, plan", "greet, ")})
    files = {name.replace("greet", "NAME") for name in edits} | {"tests/verbs/test_NAME.py"}
    assert files == listed("To add a verb", later=True)
    assert "greet" in python(copy, "-m", "invoke", "--list")
    assert python(copy, "-m", "invoke", "greet") == "hello from copy\n"
    request = {"v": 1, "verb": "greet", "app": "shop", "root": str(copy.parent / "root")}
    program = "from switchyard.host.__main__ import main; main()"
    answer = json.loads(python(copy, "-S", "-c", program, text=json.dumps(request) + "\n"))
    assert (answer["event"], answer["answer"]) == ("answer", {"text": "hello, shop"})


def test_a_service_kind_is_added_by_its_row_its_test_and_its_line_in_the_readme(copy: Path) -> None:
    edits = {
        "switchyard/core/kinds.py": ("KINDS = (", 'SIDECAR = Kind("sidecar")\n'),
        "tests/core/test_kinds.py": ('    "oneshot":', '    "sidecar": {"side_by_side", "stays_up_in_colour"},\n'),
        "README.md": ("| oneshot |", "| sidecar | both colours; beside a routed service |\n"),
    }
    edit(copy, edits)
    kinds = copy / "switchyard/core/kinds.py"
    kinds.write_text(kinds.read_text().replace("KINDS = (ROUTED,", "KINDS = (SIDECAR, ROUTED,"))
    assert edits.keys() == listed("To add a service kind")
    assert python(copy, "-c", KINDS) == "a kind of its own\n"
    assert " passed" in python(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/core/test_kinds.py")
