"""Files that the settings name, Python files, and findings in files."""

from __future__ import annotations

from dataclasses import replace

import pytest

from switchyard.core.errors import BadInput
from switchyard.predeploy.engine.application_files import existing, finding_at, python_files
from tests.harness.git import git


def test_a_configured_file_must_exist_inside_the_repository(subject, tmp_path):
    (tmp_path / "shop").mkdir()
    assert existing(subject, "sources", ["shop"]) == ["shop"]
    with pytest.raises(BadInput, match=r"app\.predeploy\.sources: gone does not exist"):
        existing(subject, "sources", ["gone"])
    with pytest.raises(BadInput, match=r"app\.predeploy\.sources: \.\. is outside of the repository"):
        existing(subject, "sources", [".."])


def test_python_files_are_those_that_git_does_not_ignore_new_ones_too(subject, repository):
    for name in ("a.py", "sub/b.py", "ignored.py", "c.txt"):
        path = repository / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    (repository / ".gitignore").write_text("ignored.py\n")
    git(repository, "add", "a.py")
    work_tree = replace(subject, clean=False)
    assert python_files(work_tree, ["."]) == ["a.py", "sub/b.py"]
    assert python_files(work_tree, ["sub"]) == ["sub/b.py"]


def test_a_finding_has_the_text_of_its_line_and_a_relative_place(subject, tmp_path):
    (tmp_path / "a.py").write_text("import os\n  x = 1\n")
    finding = finding_at(subject, "F401", "unused", str(tmp_path / "a.py"), 2, do="delete it")
    assert (finding.place, finding.line, finding.text, finding.do) == ("a.py", 2, "x = 1", "delete it")


@pytest.mark.parametrize(("name", "line"), [("a.py", 9), ("gone.py", 1), ("a.py", None)])
def test_a_finding_without_a_readable_line_has_no_text(subject, tmp_path, name, line):
    (tmp_path / "a.py").write_text("x = 1\n")
    assert finding_at(subject, "R", "what", name, line).text == ""
