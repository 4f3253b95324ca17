"""Paths and variables of a compose file in a folder of its own are those that Docker Compose gives them."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from switchyard.control import compose
from switchyard.core.app import App
from switchyard.core.errors import BadInput

WEB = """
services:
  web:
    build: {context: .., dockerfile: deploy/Dockerfile, additional_contexts: {more: ../lib, same: .}}
    env_file: [web.env]
    environment: {FROM_ENV: "${FROM_ENV:-unset}", PROJECT: "${COMPOSE_PROJECT_NAME}"}
    volumes: [./conf:/conf, ../data:/data, "${PWD}/seen:/seen", "~/own:/own", /etc/hosts:/hosts, named:/named]
    secrets: [token]
    configs: [site]
secrets: {token: {file: ./token.txt}}
configs: {site: {file: ../site.conf}}
volumes: {named: {}}
"""
INCLUDED = """
services:
  inc:
    build: .
    env_file: inc.env
    environment: {FROM_SUB: "${FROM_SUB:-unset}"}
    volumes: [./i:/i, ../up:/up]
"""
FILES = {
    "web.env": "OF_FILE=1\n",
    "sub/inc.env": "OF_INCLUDED=1\n",
    "sub/.env": "FROM_SUB=sub\n",
    "sub/inc.yaml": INCLUDED,
}
LAYOUTS = {
    "beside": ("app", "compose.yaml", WEB, {}),
    "below": ("app", "deploy/compose.yaml", WEB, {}),
    "two below": (".", "ops/deploy/compose.yaml", WEB, {}),
    "above": ("app/inner", "../deploy/compose.yaml", WEB, {}),
    "its own .env": ("app", "deploy/compose.yaml", WEB, {".env": "FROM_ENV=own\n"}),
    "its .env names it": ("app", "deploy/compose.yaml", WEB, {".env": "COMPOSE_PROJECT_NAME=named\n"}),
    "include": ("app", "deploy/compose.yaml", f"include: [sub/inc.yaml]\n{WEB}", FILES),
    "include from elsewhere": (
        "app",
        "deploy/compose.yaml",
        f"include: [{{path: sub/inc.yaml, project_directory: ., env_file: sub/.env}}]\n{WEB}",
        {**FILES, "inc.env": "OF_INCLUDED=2\n"},
    ),
    "extends": (
        "app",
        "deploy/compose.yaml",
        "services: {ext: {extends: {file: sub/inc.yaml, service: inc}}}\n",
        FILES,
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("of_app", [False, True], ids=["", ".env of the application"])
def test_a_document_is_that_of_docker_compose_typed_in_the_application_s_folder(layout, of_app, tmp_path):
    path, file, text, more = LAYOUTS[layout]
    top = tmp_path / "export"
    place = Path(os.path.normpath(top / path / file))
    for name, content in {"web.env": "OF_FILE=1\n", **more, place.name: text}.items():
        (place.parent / name).parent.mkdir(parents=True, exist_ok=True)
        (place.parent / name).write_text(content)
    (top / path).mkdir(parents=True, exist_ok=True)
    if of_app:
        (top / path / ".env").write_text("FROM_ENV=of the application\n")
    theirs = by_hand(top / path, file)
    document = compose.resolve(top, App("app", path, file), {})
    assert absolute(document.raw, place.parent) == theirs["services"]


def by_hand(folder: Path, file: str) -> dict[str, object]:
    """What Docker Compose prints for somebody who types the command in a folder."""
    env = {"PATH": os.environ["PATH"], "HOME": "/home/deploy", "PWD": str(folder)}
    argv = ["docker", "compose", "-f", file, "config", "--format", "json"]
    done = subprocess.run(argv, cwd=folder, env=env, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


def absolute(document: object, project: Path) -> object:
    """Services with the paths that the host will give them, were the release in the same place."""
    services = json.loads(json.dumps(document))["services"]

    def at(path: str) -> str:
        return path.replace("~", "/home/deploy", 1) if path[0] == "~" else os.path.normpath(project / path)

    for service in services.values():
        for mount in service.get("volumes", []):
            if mount["type"] == "bind":
                mount["source"] = at(mount["source"])
        build = service.get("build")
        if build:
            build["context"] = at(build["context"])
            contexts = build.get("additional_contexts", {})
            contexts.update({name: at(context) for name, context in contexts.items()})
    return services


@pytest.mark.parametrize("variable", ["PWD", "HOME"])
def test_a_place_of_this_machine_that_is_no_path_is_named_unless_the_env_sets_it(variable, tmp_path):
    (tmp_path / "compose.yaml").write_text(
        f"services: {{web: {{image: x, environment: {{V: '${{{variable}}}/x'}}}}}}\n"
    )
    with pytest.raises(
        BadInput, match=rf"services\.web\.environment\.V: \$\{{{variable}\}} is a folder of this machine"
    ):
        compose.resolve(tmp_path, App("shop"), {})
    document = compose.resolve(tmp_path, App("shop"), {variable: "/srv"})
    assert document.services["web"].environment == {"V": "/srv/x"}


def test_the_operator_s_own_variables_of_compose_change_nothing(tmp_path, monkeypatch):
    (tmp_path / "compose.yaml").write_text("services: {web: {image: x, profiles: [a]}, all: {image: x}}\n")
    before = compose.resolve(tmp_path, App("shop"), {}).raw
    for name in (
        "COMPOSE_FILE",
        "COMPOSE_PROJECT_NAME",
        "COMPOSE_PROFILES",
        "COMPOSE_ENV_FILES",
        "COMPOSE_PATH_SEPARATOR",
    ):
        monkeypatch.setenv(name, "a")
    assert compose.resolve(tmp_path, App("shop"), {}).raw == before
