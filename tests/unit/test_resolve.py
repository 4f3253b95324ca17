"""A commit is resolved by Docker Compose itself, from a clean export; no engine is needed."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from switchyard.control import commit_files, completeness, compose
from switchyard.control.commit import git
from switchyard.core.app import App
from switchyard.core.compose_document import Document
from switchyard.core.errors import BadInput, NotChecked
from switchyard.core.split import split

COMPOSE = """
services:
  db:
    image: postgres:17
    environment: {POSTGRES_PASSWORD: "${PASSWORD:?}"}
    volumes: ["pgdata:/var/lib/postgresql/data"]
  web:
    build: .
    command: ["sh", "-c", "echo $$HOME"]
    ports: ["127.0.0.1:8080:80"]
    volumes: ["./conf:/conf"]
    deploy: {restart_policy: {condition: any}}
volumes: {pgdata: }
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    top = tmp_path / "repository"
    (top / "conf").mkdir(parents=True)
    git(tmp_path, "init", "--quiet", str(top))
    (top / "compose.yaml").write_text(COMPOSE)
    (top / "Dockerfile").write_text("FROM python:3.13-slim\n")
    (top / "conf" / "a.ini").write_text("a")
    commit(top)
    (top / "left.txt").write_text("in no commit")
    return top


def commit(top: Path) -> str:
    git(top, "add", "--all")
    git(top, "commit", "--quiet", "--message", "x")
    return git(top, "rev-parse", "HEAD").decode().strip()


def exported(top: Path, into: Path) -> Path:
    into.mkdir()
    commit_files.export(top, "HEAD", into)
    return into


def resolved(folder: Path, env: dict[str, str]) -> Document:
    return compose.resolve(folder, App("shop"), env)


def one_variable(folder: Path, value: str) -> str:
    folder.mkdir(exist_ok=True)
    (folder / "compose.yaml").write_text("services: {web: {image: x, environment: {V: '${V}'}}}\n")
    return resolved(folder, {"V": value}).services["web"].environment["V"]


def test_an_export_holds_what_the_commit_holds_and_nothing_else(repository, tmp_path):
    folder = exported(repository, tmp_path / "export")
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert files == {"compose.yaml", "Dockerfile", "conf/a.ini"} == commit_files.tracked(repository, "HEAD")


@pytest.mark.parametrize(
    "value",
    ["a b", "a'b", 'a"b', "a\\b", "a\\nb", "end\\", "a\\'b", "\\'$X\"", "a$b", "${HOME}", "a#b", "1\n2", "", " s "],
)
def test_a_value_reaches_the_document_as_it_is(tmp_path, value):
    assert one_variable(tmp_path / "app", value) == value


def test_the_operators_own_variables_change_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("V", "of the shell")
    monkeypatch.setenv("COMPOSE_FILE", "/nowhere.yaml")
    assert one_variable(tmp_path / "app", "of the settings") == "of the settings"


def test_a_missing_variable_is_named_with_where_it_comes_from(repository, tmp_path):
    with pytest.raises(BadInput) as caught:
        resolved(exported(repository, tmp_path / "export"), {})
    assert all(word in str(caught.value) for word in ("compose.yaml", "PASSWORD", "hosts.NAME.env"))


@pytest.mark.parametrize(
    ("head", "path", "env", "name"),
    [
        ("", ".", {}, "shop"),
        ("", "Web.App", {}, "webapp"),
        ("name: myshop\n", "Web.App", {}, "myshop"),
        ("name: ${OWN}\n", ".", {"OWN": "mine"}, "mine"),
        ("name: myshop\n", ".", {"COMPOSE_PROJECT_NAME": "set"}, "set"),
    ],
)
def test_a_document_has_the_name_that_compose_gives_a_plain_project_of_the_file(tmp_path, head, path, env, name):
    (tmp_path / path).mkdir(exist_ok=True)
    services = "services: {db: {image: x, volumes: ['pg:/x', 'own:/y']}}\nvolumes: {pg: {}, own: {name: mine_own}}\n"
    (tmp_path / path / "compose.yaml").write_text(head + services)
    document = compose.resolve(tmp_path, App("shop", path=path), env)
    assert document.name == name
    assert {short: volume.name for short, volume in document.volumes.items()} == {
        "pg": f"{name}_pg",
        "own": "mine_own",
    }


def test_a_missing_compose_file_is_named(tmp_path):
    with pytest.raises(BadInput, match=r"compose\.yaml"):
        resolved(tmp_path, {})


def test_without_docker_the_error_says_what_to_install(repository, tmp_path, monkeypatch):
    folder = exported(repository, tmp_path / "export")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotChecked, match="docker compose"):
        resolved(folder, {"PASSWORD": "x"})


def test_compose_itself_accepts_what_a_real_file_was_split_into(repository, tmp_path):
    document = resolved(exported(repository, tmp_path / "export"), {"PASSWORD": "p$w"})
    tracked = commit_files.tracked(repository, "HEAD")
    parts = split(document, app=App("shop"), release="R1", root=str(tmp_path), tracked=tracked, folder=".")
    for name, generated in {"shared": parts.shared, "build": parts.build, **parts.colours}.items():
        file = tmp_path / f"{name}.json"
        file.write_text(json.dumps(generated))
        argv = ["docker", "compose", "--file", str(file), "config", "--format", "json", "--no-path-resolution"]
        read = json.loads(subprocess.run(argv, capture_output=True, check=True, timeout=60).stdout)
        for service, written in generated["services"].items():
            for key in ("command", "environment", "restart", "image"):
                assert read["services"][service].get(key) == written.get(key)
    assert parts.shared["services"]["db"]["environment"] == {"POSTGRES_PASSWORD": "p$$w"}
    assert parts.colours["blue"]["services"]["web"]["restart"] == "unless-stopped"


def test_what_the_commit_does_not_carry_is_named(repository, tmp_path):
    (repository / ".gitignore").write_text("Dockerfile\n")
    (repository / "big.bin").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    git(repository, "rm", "--quiet", "--cached", "Dockerfile")
    blob = git(repository, "rev-parse", "HEAD").decode().strip()
    git(repository, "update-index", "--add", "--cacheinfo", f"160000,{blob},vendored")
    git(repository, "commit", "--quiet", "--message", "less")
    git(repository, "add", "big.bin")
    git(repository, "commit", "--quiet", "--message", "pointer")
    folder = exported(repository, tmp_path / "export")
    document = resolved(folder, {"PASSWORD": "x"})
    said = "\n".join(completeness.problems(repository, "HEAD", document, folder, App("shop")))
    assert "vendored is a submodule" in said
    assert "service web: build.dockerfile Dockerfile" in said
    (folder / "Dockerfile").write_text("FROM x\n")
    said = "\n".join(completeness.problems(repository, "HEAD", document, folder, App("shop")))
    assert "big.bin is a Git LFS pointer" in said


def test_a_build_input_that_git_ignores_is_named_with_its_line(repository, tmp_path):
    (repository / ".gitignore").write_text("dist\n")
    (repository / "dist").mkdir()
    (repository / "dist" / "app.js").write_text("built here")
    (repository / "Dockerfile").write_text("FROM x\nCOPY conf /conf\nCOPY dist /srv\n")
    commit(repository)
    folder = exported(repository, tmp_path / "export")
    document = resolved(folder, {"PASSWORD": "x"})
    (said,) = completeness.problems(repository, "HEAD", document, folder, App("shop"))
    assert said.startswith("service web: Dockerfile:3 copies dist, which is not in the commit: commit it, "), said


def test_a_variable_that_nothing_sets_is_refused_and_not_blank(tmp_path):
    (tmp_path / "compose.yaml").write_text(
        "services: {web: {image: x, environment: {A: '${NO_SUCH}', B: '${OTHER:-}', C: '$NOR_THIS'}}}\n"
    )
    with pytest.raises(BadInput, match=r"nothing sets NOR_THIS, NO_SUCH\. .*\$\{NOR_THIS:-\}"):
        resolved(tmp_path, {})


def test_the_env_goes_over_the_commit_s_own_env_file(tmp_path):
    (tmp_path / "compose.yaml").write_text("services: {web: {image: x, environment: {V: '$V', W: '$W'}}}\n")
    (tmp_path / ".env").write_text("V=commit\nW=commit\n")
    assert resolved(tmp_path, {"V": "host"}).services["web"].environment == {"V": "host", "W": "commit"}


def test_what_git_keeps_out_of_archives_is_exported(repository, tmp_path):
    (repository / ".gitattributes").write_text("conf export-ignore\nDockerfile export-subst\n")
    (repository / "Dockerfile").write_text("# $Format:%H$\n")
    commit(repository)
    folder = exported(repository, tmp_path / "export")
    assert (folder / "conf" / "a.ini").exists()
    assert (folder / "Dockerfile").read_text() == "# $Format:%H$\n"


def test_a_pointer_that_a_service_mounts_is_named(repository, tmp_path):
    (repository / "conf" / "model").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    compose = repository / "compose.yaml"
    compose.write_text(compose.read_text().replace("build: .", "image: x"))
    commit(repository)
    folder = exported(repository, tmp_path / "export")
    document = resolved(folder, {"PASSWORD": "x"})
    said = completeness.problems(repository, "HEAD", document, folder, App("shop"))
    assert [line.split(",")[0] for line in said] == ["conf/model is a Git LFS pointer"]


def test_the_variables_of_an_env_text_are_its_values():
    text = "# note\n\nexport A=1\nB='two words'\nC=\"x=y\"\nD=a#b\nE=\nnothing\n"
    assert compose.env_values(text) == {"A": "1", "B": "two words", "C": "x=y", "D": "a#b", "E": ""}


def test_what_an_env_file_means_is_what_compose_reads_in_it():
    text = "A=1 # a comment\nB='x $Y'\nexport C=\"q\\tz\"\nD=a$$b\nE=${A}z\nF='x$$y'\nG='two\nlines'\n"
    values = {"A": "1", "B": "x $Y", "C": "q\tz", "D": "a$b", "E": "1z", "F": "x$$y", "G": "two\nlines"}
    assert compose.env_values(text) == values


def test_an_env_that_compose_cannot_read_is_named():
    with pytest.raises(BadInput, match="env of the host's settings"):
        compose.env_values("A B=1\n")
