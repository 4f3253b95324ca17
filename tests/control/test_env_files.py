"""Env files that the commit lacks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from switchyard.control import compose
from switchyard.control.env_files import env_files_of
from switchyard.core.app import App
from switchyard.core.errors import BadInput

ENV = {"A": "a$b 'c'", "TOKEN": "x"}


def environment(
    folder: Path, services: str, files: Mapping[str, str] | None = None, named: Mapping[str, str] | None = None
) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """Return the variables of the service web, and the notes."""
    for name, text in {"compose.yaml": f"services:\n  web: {services}\n", **(files or {})}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    found = env_files_of(folder, App("shop"), ENV, named or {}, "prod")
    return compose.resolve(folder, App("shop"), ENV, found).services["web"].environment, found.notes


@pytest.mark.parametrize("env_file", [".env", "./.env", "[.env]", "[{path: .env}]", "[{path: .env, required: false}]"])
def test_an_untracked_dot_env_is_the_whole_env_of_the_host(tmp_path, env_file):
    assert environment(tmp_path, f"{{image: x, env_file: {env_file}}}") == (ENV, ())


def test_what_the_file_says_stands_over_it_and_later_files_over_earlier_ones(tmp_path):
    web = "{image: x, env_file: [first.env, .env, last.env], environment: {OWN: '1', TOKEN: own}}"
    files = {"first.env": "A=first\nFIRST=1\n", "last.env": "LAST=$A\n"}
    values, _ = environment(tmp_path, web, files)
    assert values == {**ENV, "FIRST": "1", "LAST": values["LAST"], "OWN": "1", "TOKEN": "own"}


def test_a_tracked_dot_env_is_the_commits(tmp_path):
    assert environment(tmp_path, "{image: x, env_file: .env}", {".env": "OF=commit\n"})[0] == {"OF": "commit"}


def test_another_name_stands_for_the_file_that_the_host_names(tmp_path):
    web = "{image: x, env_file: [secrets/db.env]}"
    assert environment(tmp_path, web, named={"./secrets/db.env": "DB='p w'\n"})[0] == {"DB": "p w"}


def test_an_included_file_names_its_env_file_from_its_own_folder(tmp_path):
    files = {"sub/inc.yaml": "services: {inc: {image: y, env_file: [x.env]}}\n"}
    text = "{image: x, env_file: .env}\ninclude: [sub/inc.yaml]"
    assert environment(tmp_path, text, files, {"sub/x.env": "X=1\n"})[0] == ENV


def test_what_is_optional_is_left_out_and_told(tmp_path):
    values, notes = environment(tmp_path, "{image: x, env_file: [{path: dev.env, required: false}]}")
    assert values == {} and notes == ("env_file dev.env of web is optional, and the commit lacks it: left out",)


def test_every_file_that_nothing_stands_for_is_told_with_the_line_that_names_it(tmp_path):
    services = "{image: x, env_file: [a.env, .env]}\n  db: {image: y, env_file: [up/b.env]}"
    with pytest.raises(BadInput) as caught:
        environment(tmp_path, services, named={"c.env": ""})
    assert str(caught.value).splitlines() == [
        "compose.yaml: service db: env_file: git does not track up/b.env, so no release carries it. Say which file of "
        "this machine stands for it, in invoke.yaml: hosts.prod.env.as: {up/b.env: FILE}; or make it optional "
        "(required: false)",
        "compose.yaml: service web: env_file: git does not track a.env, so no release carries it. Say which file of "
        "this machine stands for it, in invoke.yaml: hosts.prod.env.as: {a.env: FILE}; or make it optional "
        "(required: false)",
        "hosts.prod.env.as.c.env: no service of compose.yaml has this env_file",
    ]


def test_a_service_that_no_release_runs_needs_none(tmp_path):
    services = "{image: x}\n  dev: {image: y, profiles: [dev], env_file: dev.env}"
    assert environment(tmp_path, services) == ({}, ())


def test_a_file_that_ships_is_told_from_one_that_is_only_there(tmp_path):
    (tmp_path / "compose.yaml").write_text("services: {web: {image: x, env_file: .env}}\n")
    (tmp_path / ".env").write_text("OF=the developer\n")
    files = env_files_of(tmp_path, App("shop"), ENV, {}, "prod", ships=["compose.yaml"])
    document = compose.resolve(tmp_path, App("shop"), ENV, files)
    assert document.services["web"].environment == ENV


def test_an_untracked_dot_env_is_found_beside_a_key_that_compose_cannot_print_as_json(tmp_path):
    web = "{build: {context: ., ssh: [git=~/.ssh/id]}, env_file: .env}"
    assert environment(tmp_path, web) == (ENV, ())
