"""No variable of git's reaches a git command of ours, and none of ours writes to the operator's repository."""

from __future__ import annotations

import ast
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from switchyard.control import work_tree
from switchyard.control.commit import pick_commit, read_file
from switchyard.control.commit_files import export
from switchyard.control.git import argv, environment, top_of
from switchyard.control.objects import missing_objects
from switchyard.core.errors import BadInput, Refused
from switchyard.core.git_variables import without_repository
from tests.harness.contents import contents_of
from tests.harness.facts import FACTS
from tests.harness.git import git

TOP = Path(__file__).parents[2]
LOCAL = subprocess.run(
    ["git", "rev-parse", "--local-env-vars"], check=True, capture_output=True, text=True
).stdout.split()
"""The variables that this machine's git takes for those of one repository."""
OTHERS = [
    "GIT_ALLOW_PROTOCOL",
    "GIT_ASKPASS",
    "GIT_ATTR_NOSYSTEM",
    "GIT_ATTR_SOURCE",
    "GIT_CEILING_DIRECTORIES",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_SYSTEM",
    "GIT_DEFAULT_HASH",
    "GIT_DIFF_OPTS",
    "GIT_DISCOVERY_ACROSS_FILESYSTEM",
    "GIT_EDITOR",
    "GIT_EXEC_PATH",
    "GIT_EXTERNAL_DIFF",
    "GIT_FLUSH",
    "GIT_GLOB_PATHSPECS",
    "GIT_ICASE_PATHSPECS",
    "GIT_LITERAL_PATHSPECS",
    "GIT_NAMESPACE",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_OPTIONAL_LOCKS",
    "GIT_PAGER",
    "GIT_QUARANTINE_PATH",
    "GIT_REDIRECT_STDERR",
    "GIT_REDIRECT_STDOUT",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_TEMPLATE_DIR",
    "GIT_TEST_SPLIT_INDEX",
    "GIT_TRACE",
    "GIT_TRACE2",
    "GIT_TRACE2_EVENT",
    "GIT_TRACE_SETUP",
    "GIT_TRACE_PACKET",
    "GIT_TRACE_CURL",
]
MORE = {
    "GIT_CONFIG_COUNT": {"GIT_CONFIG_KEY_0": "core.bare", "GIT_CONFIG_VALUE_0": "true"},
    "GIT_CONFIG_PARAMETERS": {"GIT_CONFIG_PARAMETERS": "'core.bare'='true'"},
}
"""Variables that take a form of their own."""


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A repository with an application in a folder of it, and a change that git has not looked at."""
    folder = tmp_path / "operator"
    write(folder / "app" / "compose.yaml", "services: {}\n")
    write(folder / "app" / "invoke.yaml", "app: {name: shop}\n")
    write(folder / "file", "one")
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "one")
    return folder


@pytest.fixture
def decoy(tmp_path: Path) -> Path:
    """Another repository, which nothing may look at."""
    folder = tmp_path / "decoy"
    write(folder / "other", "decoy")
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "decoy")
    return folder


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def everything(top: Path, into: Path) -> tuple[object, ...]:
    """All that the verbs ask of a repository."""
    commit = pick_commit(top / "app", None, allow_dirty=True)
    files = export(commit.repository, commit.id, into)
    pack = missing_objects(commit, files, FACTS)
    invoke_yaml = read_file(commit, "invoke.yaml")
    return commit, files, contents_of(into), len(pack), invoke_yaml, work_tree.tree(top), work_tree.names(top)


@pytest.mark.parametrize("variables", [*([name] for name in LOCAL), OTHERS], ids=lambda names: names[0])
def test_no_variable_of_git_changes_what_a_verb_reads_or_writes_to_a_repository(
    variables, top, decoy, tmp_path, monkeypatch
):
    before = everything(top, tmp_path / "before")
    (top / "file").touch()
    (top / "app" / "new").write_text("not committed")
    plain = everything(top, tmp_path / "plain")
    repositories = contents_of(top), contents_of(decoy)
    hostile = {"GIT_CONFIG_COUNT": "1", "GIT_WORK_TREE": str(decoy), "GIT_INDEX_FILE": str(decoy / ".git" / "index")}
    for name in variables:
        for other, value in {name: hostile.get(name, str(decoy / ".git")), **MORE.get(name, {})}.items():
            monkeypatch.setenv(other, value)
    assert everything(top, tmp_path / "hostile") == plain != before
    assert (contents_of(top), contents_of(decoy)) == repositories


@pytest.mark.parametrize("variable", LOCAL)
def test_a_tool_learns_of_no_repository_but_keeps_how_to_log_in(variable, monkeypatch):
    login = {"GIT_SSH_COMMAND": "ssh -i key", "GIT_ASKPASS": "/bin/ask", "PATH": "/bin"}
    is_setting = variable in ("GIT_CONFIG_COUNT", "GIT_CONFIG_PARAMETERS")
    assert without_repository({**login, variable: "x"}) == {**login, **({variable: "x"} if is_setting else {})}
    monkeypatch.setenv(variable, "x")
    assert environment().get(variable) in (None, "1")


def test_one_module_of_each_side_starts_git():
    starters = set()
    for path in (TOP / "switchyard").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            words = [item.value for item in node.elts if isinstance(item, ast.Constant)] if is_list(node) else []
            if words[:1] == ["git"] and words != ["git", "--version"]:
                starters.add(str(path.relative_to(TOP / "switchyard")))
    assert starters == {"control/git.py", "host/adapters/git.py"}


def is_list(node: ast.AST) -> bool:
    return isinstance(node, ast.List)


WRITES: dict[str, Callable[[Path], object]] = {
    "an index that is older than a file": lambda top: os.utime(top / "file"),
    "a file system monitor": lambda top: git(top, "config", "core.fsmonitor", "true"),
    "an index in two parts": lambda top: git(top, "update-index", "--split-index"),
    "a cache of untracked files": lambda top: git(top, "update-index", "--force-untracked-cache"),
    "a filter that stores what it reads": lambda top: lfs_filter(top, "tee -a .git/lfs-seen"),
    "a filter that is not installed": lambda top: lfs_filter(top, "absent-program"),
    "a log that shows signatures": lambda top: git(top, "config", "log.showSignature", "true"),
    "a graph of commits": lambda top: git(top, "config", "fetch.writeCommitGraph", "true"),
}


def lfs_filter(top: Path, command: str) -> None:
    (top / ".gitattributes").write_text("file filter=lfs -text\n")
    for name, value in {"clean": command, "smudge": command, "required": "true"}.items():
        git(top, "config", f"filter.lfs.{name}", value)
    (top / "file").touch()


@pytest.mark.parametrize("setting", WRITES)
def test_no_setting_of_the_operator_makes_a_verb_write_to_the_repository(setting, top, tmp_path):
    WRITES[setting](top)
    before = contents_of(top)
    everything(top, tmp_path / "export")
    assert contents_of(top) == before


def test_a_linked_worktree_and_a_submodule_are_repositories_of_their_own(top, decoy, tmp_path):
    git(top, "worktree", "add", "--quiet", "-b", "branch", str(tmp_path / "linked"))
    (tmp_path / "linked" / "file").write_text("branch")
    git(tmp_path / "linked", "commit", "--quiet", "--all", "--message", "branch")
    git(decoy, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(top), "sub")
    for folder, text in ((tmp_path / "linked", "branch"), (decoy / "sub", "one")):
        commit = pick_commit(folder / "app", None, allow_dirty=False)
        assert (commit.repository, commit.folder, commit.dirty) == (folder, "app", ())
        export(commit.repository, commit.id, tmp_path / text)
        assert (tmp_path / text / "file").read_text() == text
        assert missing_objects(commit, export(commit.repository, commit.id, tmp_path / f"{text}2"), FACTS)


def test_a_folder_without_a_work_tree_is_named_with_what_to_do(top, tmp_path):
    git(tmp_path, "clone", "--quiet", "--bare", str(top), "bare.git")
    for folder in (tmp_path / "bare.git", top / ".git"):
        with pytest.raises(BadInput, match=r"^app\.path: .* has no work tree: it is a bare .* git clone"):
            pick_commit(folder, None, allow_dirty=False)
    for folder, problem in ((tmp_path, "not a git repository"), (tmp_path / "absent", "is not a folder")):
        with pytest.raises(BadInput, match=rf"^app\.path: .*{problem}"):
            top_of(folder)


def test_a_repository_of_somebody_else_is_refused_in_git_s_own_words(top, monkeypatch):
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    assert pick_commit(top, None, allow_dirty=False), "a variable of git's has no effect"
    os.chown(top / ".git", 12345, 12345)
    os.chown(top, 12345, 12345)
    with pytest.raises(BadInput, match=r"safe\.directory"):
        pick_commit(top, None, allow_dirty=False)


def test_a_partial_clone_is_refused_and_fetches_nothing(top, tmp_path):
    git(top, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "--quiet", "--no-checkout", "--filter=blob:none", f"file://{top}", "partial")
    before = contents_of(tmp_path / "partial")
    with pytest.raises(Refused, match=r"partial clone.*git -C .*/partial fetch --refetch --no-filter"):
        commit = pick_commit(tmp_path / "partial", "HEAD", allow_dirty=True)
        export(commit.repository, commit.id, tmp_path / "export")
    assert contents_of(tmp_path / "partial") == before


def test_what_a_replacement_stands_for_never_ships(top, tmp_path):
    """A pack has no replacements: the checks would see files that no host gets."""
    first = pick_commit(top, None, allow_dirty=False)
    before = export(top, first.id, tmp_path / "before")
    (top / "file").write_text("replaced")
    git(top, "commit", "--quiet", "--all", "--message", "other")
    git(top, "replace", first.id, "HEAD")
    assert export(top, first.id, tmp_path / "after") == before


def test_the_command_names_the_repository(tmp_path):
    assert argv(tmp_path, "status")[:7] == [
        "git", "-C", str(tmp_path), "--git-dir", str(tmp_path / ".git"), "--work-tree", str(tmp_path),
    ]  # fmt: skip
