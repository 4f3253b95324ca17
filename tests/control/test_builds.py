"""What a commit tells of its images, and what of it makes a shared service's build another one."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from switchyard.control.builds import bases_of, image_facts
from switchyard.core.app import App
from switchyard.core.compose_document import Document
from switchyard.core.wire.message import Json

APP = App("shop", kinds={"db": "shared", "web": "routed"})


def inputs(folder: Path, build: Json) -> str:
    document = Document.decode({"services": {"db": {"build": build}, "web": {"build": {"context": "."}}}})
    facts = image_facts(document, folder, APP)
    assert list(facts.inputs) == ["db"]
    return facts.inputs["db"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in {
        "Dockerfile": "FROM python:3\n",
        "compose.yaml": "",
        "app.py": "1",
        "db/Dockerfile": "FROM postgres:17\nCOPY init.sql /docker-entrypoint-initdb.d/\n",
        "db/init.sql": "1",
        "db/more": "1",
        "db.Dockerfile": "FROM postgres:17\nCOPY db/init.sql /\nCOPY . /all\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_each_build_s_recipe_is_read_wherever_its_dockerfile_is(folder):
    document = Document.decode(
        {
            "services": {
                "web": {"build": {"context": "."}},
                "db": {"build": {"context": "./db"}},
                "inline": {"build": {"context": ".", "dockerfile_inline": "ARG V=1\nFROM x:$V", "args": {"V": "2"}}},
                "remote": {"build": {"context": "https://example.com/x.git"}},
                "off": {"build": {"context": "."}, "profiles": ["debug"]},
                "image": {"image": "redis"},
            }
        }
    )
    facts = image_facts(document, folder, APP)
    assert {name: recipe.base for name, recipe in facts.recipes.items()} == {
        "web": "python:3",
        "db": "postgres:17",
        "inline": "x:2",
    }
    service = document.services["db"]
    assert replace(facts, volumes={"postgres:17": ("/var/lib/postgresql/data",)}).declared(service) == (
        "/var/lib/postgresql/data",
    )


CHANGES: dict[str, tuple[Callable[[Path], object], bool, bool]] = {
    "nothing": (lambda folder: None, False, False),
    "another file of the application": (lambda folder: (folder / "app.py").write_text("2"), False, False),
    "a file that is copied by name": (lambda folder: (folder / "db/init.sql").write_text("2"), True, True),
    "another file of the context": (lambda folder: (folder / "db/more").write_text("2"), True, False),
    "a new file of the context": (lambda folder: (folder / "db/new").write_text(""), True, False),
    "a mode": (lambda folder: (folder / "db/init.sql").chmod(0o755), True, True),
    "its Dockerfile": (
        lambda folder: [(folder / name).write_text("FROM postgres:18") for name in DOCKERFILES],
        True,
        True,
    ),
}
"""Each change with whether it changes a build from a folder of its own, and one from the application's."""
DOCKERFILES = ("db/Dockerfile", "db.Dockerfile")


@pytest.mark.parametrize("name", CHANGES)
def test_what_a_build_reads_is_told_from_all_the_rest(folder, name):
    change, changes_own, changes_wide = CHANGES[name]
    own: Json = {"context": "./db", "dockerfile": "Dockerfile"}
    wide: Json = {"context": ".", "dockerfile": "db.Dockerfile"}
    before = inputs(folder, own), inputs(folder, wide)
    change(folder)
    after = inputs(folder, own), inputs(folder, wide)
    assert (before[0] != after[0], before[1] != after[1]) == (changes_own, changes_wide)


def test_the_place_of_the_export_is_no_part_of_it_and_the_build_s_keys_are(folder, tmp_path_factory):
    copy = tmp_path_factory.mktemp("copy") / "export"
    shutil.copytree(folder, copy)
    assert inputs(folder, {"context": "./db"}) == inputs(copy, {"context": "./db"})
    assert inputs(folder, {"context": "./db"}) != inputs(folder, {"context": "./db", "args": {"A": "1"}})


def test_each_build_tells_what_it_starts_from(tmp_path):
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "Prod").write_text("ARG BASE=app\nFROM $BASE\nCOPY --from=team.example/b:1 /a /a\n")
    services = {
        "web": {"build": {"context": "web", "dockerfile": "Prod", "args": {"BASE": "base:dev"}}},
        "inline": {"build": {"context": ".", "dockerfile_inline": "FROM redis:8"}},
        "elsewhere": {"build": "https://example.org/r.git"},
        "outside": {"build": str(tmp_path / "web")},
        "missing": {"build": "./missing"},
        "pulled": {"image": "redis:8"},
    }
    assert bases_of(Document.decode({"services": services}), tmp_path) == {
        "web": ("base:dev", "team.example/b:1"),
        "inline": ("redis:8",),
    }
