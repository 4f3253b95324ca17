"""``inv services``, as a process of its own: what it reads of a repository, and that it leaves it alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.harness.command_line import checkout, inv
from tests.harness.contents import contents_of
from tests.harness.git import git
from tests.harness.lfs import stage_pointer, store_object

COMPOSE = """
services:
  web:
    build: .
    ports: ["18080:80"]
    volumes: ["./conf:/conf"]
"""
SETTINGS = """
app: {{name: shop, path: {path}, kinds: {{web: routed}}}}
hosts: {{prod: {{machines: [{{name: a, address: 192.0.2.1}}]}}}}
"""
VERBS = [
    pytest.param(("services",), marks=pytest.mark.instance),
    pytest.param(("services", "--explain"), marks=pytest.mark.instance),
    ("predeploy", "--only", "secrets"),
]
"""Verbs that need no machine, with their flags; those of a machine: tests/e2e/test_contents.py."""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    (folder / "conf").mkdir(parents=True)
    for name, text in {"compose.yaml": COMPOSE, "Dockerfile": "FROM x\n", "conf/a": "one"}.items():
        (folder / name).write_text(text)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "one")
    return folder


@pytest.fixture
def operator(app: Path, tmp_path: Path) -> Path:
    """The folder where the operator types."""
    (tmp_path / "operator").mkdir()
    return checkout(tmp_path / "operator", SETTINGS.format(path=app))


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_a_verb_in_a_hook_of_git_works_and_leaves_the_repository_as_it_is(verb, app, operator):
    host = () if verb[0] == "predeploy" else ("--host", "prod")
    (app / "conf" / "a").touch()
    before = contents_of(app)
    done = inv(operator, *verb, *host, GIT_DIR=str(app / ".git"), GIT_INDEX_FILE=str(app / ".git" / "index"))
    assert contents_of(app) == before, "the verb wrote to the operator's repository"
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stdout + done.stderr


@pytest.mark.instance
@pytest.mark.parametrize("variable", ["GIT_WORK_TREE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR"])
def test_another_variable_of_git_changes_nothing_either(variable, app, operator, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    plain = inv(operator, "services", "--explain", "--host", "prod")
    done = inv(operator, "services", "--explain", "--host", "prod", **{variable: str(tmp_path / "elsewhere")})
    assert (done.returncode, done.stdout) == (0, plain.stdout), done.stderr
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.instance
def test_a_file_of_git_lfs_that_this_clone_lacks_is_named_and_one_that_it_has_is_not(app, operator):
    (app / "compose.yaml").write_text("include: [more.bin]\nservices: {}\n")
    stage_pointer(app, "more.bin", COMPOSE.encode())
    git(app, "add", "compose.yaml", ".gitattributes")
    git(app, "commit", "--quiet", "--message", "two")
    store_object(app / ".git" / "lfs", COMPOSE.encode())
    done = inv(operator, "services", "--explain", "--host", "prod")
    assert done.returncode == 0 and "web" in json.loads(done.stdout)["green"]["services"], done.stdout + done.stderr


@pytest.mark.instance
def test_paths_of_a_compose_file_in_a_folder_of_its_own_are_those_of_docker_compose(app, operator):
    (app / "deploy" / "conf").mkdir(parents=True)
    (app / "deploy" / "conf" / "b").write_text("below")
    (app / "deploy" / ".env").write_text("SEEN=conf\n")
    text = COMPOSE.replace("build: .", "build: ..").replace("[", '["../conf:/up", "${PWD}/${SEEN}:/seen", ', 2)
    (app / "deploy" / "compose.yaml").write_text(text.replace('["../conf:/up", "${PWD}/${SEEN}:/seen", "18', '["18'))
    git(app, "add", "--all")
    git(app, "commit", "--quiet", "--message", "two")
    settings = operator / "invoke.yaml"
    settings.write_text(settings.read_text().replace("name: shop,", "name: shop, compose: deploy/compose.yaml,"))
    done = inv(operator, "services", "--explain", "--host", "prod")
    assert done.returncode == 0, done.stdout + done.stderr
    documents = json.loads(done.stdout)
    files = "ROOT/releases/RELEASE/files"
    assert documents["build"]["services"]["web"]["build"]["context"] == files
    sources = [mount["source"] for mount in documents["green"]["services"]["web"]["volumes"]]
    assert sources == [f"{files}/conf", f"{files}/conf", f"{files}/deploy/conf"]
