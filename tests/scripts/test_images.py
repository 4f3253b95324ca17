"""Stand-in images, with a stub docker on PATH instead of an engine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts import images
from scripts.recipes import RECIPES, Recipe

STUB = """#!/usr/bin/env python3
import json, pathlib, sys
folder = pathlib.Path(__file__).parent
with (folder / "calls").open("a") as calls:
    calls.write(json.dumps(sys.argv[1:]) + "\\n")
for words, code, answer in json.loads((folder / "answers.json").read_text()):
    if all(word in sys.argv for word in words):
        sys.stdin.read()
        print(answer)
        sys.exit(code)
sys.exit(1)
"""


class StubDocker:
    """A docker that answers by the first rule whose words are all in the command, and fails without one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        program = folder / "docker"
        program.write_text(STUB)
        program.chmod(0o755)
        self.answer()

    def answer(self, *rules: tuple[list[str], int, str]) -> None:
        (self.folder / "answers.json").write_text(json.dumps(rules))

    def calls(self) -> list[list[str]]:
        path = self.folder / "calls"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StubDocker:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(images, "registry_answers", lambda: False)
    return StubDocker(tmp_path)


def current(recipe: Recipe) -> str:
    return json.dumps({images.STANDIN: "1", images.RECIPE: recipe.digest()})


def test_images_that_are_there_are_neither_pulled_nor_built(docker: StubDocker) -> None:
    docker.answer(*[(["inspect", recipe.name], 0, current(recipe)) for recipe in RECIPES.values()])
    images.build()
    assert {call[1] for call in docker.calls()} == {"inspect"}


def test_an_image_that_somebody_pulled_is_kept(docker: StubDocker) -> None:
    docker.answer((["inspect", "redis:8"], 0, "null"))
    images.build(["redis:8"])
    assert len(docker.calls()) == 1


def test_a_stand_in_of_an_older_recipe_is_built_again(docker: StubDocker) -> None:
    docker.answer(
        (["inspect", "redis:8"], 0, json.dumps({images.STANDIN: "1", images.RECIPE: "older"})),
        (["inspect", images.BASE], 0, "{}"),
        (["build"], 0, ""),
        (["run"], 0, "Redis server v=8.0.2 sha=0"),
        (["tag"], 0, ""),
    )
    images.build(["redis:8"], say=lambda _: None)
    assert ["tag", f"switchyard/building:{RECIPES['redis:8'].digest()}", "redis:8"] in docker.calls()


def test_an_image_never_gets_the_name_of_a_version_that_it_does_not_contain(docker: StubDocker) -> None:
    docker.answer(
        (["inspect", images.BASE], 0, "{}"), (["build"], 0, ""), (["run"], 0, "Redis server v=7.0.15"), (["tag"], 0, "")
    )
    with pytest.raises(images.ImageError, match=r"redis:8 would carry a version that it does not contain.*7\.0\.15"):
        images.build(["redis:8"], say=lambda _: None)
    assert not [call for call in docker.calls() if call[0] == "tag"]


def test_an_unknown_image_is_named_with_the_known_ones() -> None:
    with pytest.raises(images.ImageError, match=r"no recipe for mysql:9; the images with one are python:3\.13-slim"):
        images.build(["mysql:9"])


def test_stand_ins_are_not_loaded_into_a_container_that_is_no_sandbox_host(docker: StubDocker) -> None:
    docker.answer((["inspect"], 0, ""), (["ls"], 0, ""), (["save"], 0, ""), (["load"], 0, ""))
    with pytest.raises(images.ImageError, match=r"is no sandbox host.*add --anyway"):
        images.load("somebodys-database")
    assert images.load("somebodys-database", ["redis:8"], anyway=True) == []


def test_only_images_that_the_sandbox_host_lacks_are_loaded(docker: StubDocker) -> None:
    docker.answer(
        (["inspect"], 0, "abcd1234"),
        (["exec", "ls"], 0, "redis:8 sha256:1\npostgres:17 sha256:old"),
        (["ls"], 0, "redis:8 sha256:1\npostgres:17 sha256:2"),
        (["save"], 0, ""),
        (["load"], 0, ""),
    )
    assert images.load("host", ["redis:8", "postgres:17"]) == ["postgres:17"]
    assert ["save", "postgres:17"] in docker.calls()


def test_removing_stand_ins_leaves_pulled_images(docker: StubDocker) -> None:
    docker.answer((["inspect", "redis:8"], 0, current(RECIPES["redis:8"])), (["inspect"], 0, "{}"), (["rm"], 0, ""))
    assert images.remove() == ["redis:8"]


def test_a_recipe_changes_its_digest_with_every_file() -> None:
    recipe = RECIPES["redis:8"]
    other = Recipe(recipe.name, recipe.dockerfile, recipe.version_command, recipe.version, {"entrypoint": "#"})
    assert recipe.digest() != other.digest()
