"""Builds, binds, secrets and configs take nothing from outside of the commit."""

from __future__ import annotations

from pathlib import Path

import pytest

from switchyard.control.document_sources import build_problems, mount_problems
from switchyard.core.app import App
from switchyard.core.compose_document import Document
from switchyard.core.wire.message import Json


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    folder = tmp_path / "export"
    (folder / "web").mkdir(parents=True)
    (folder / "out").symlink_to("/etc")
    (folder / "in").symlink_to("web")
    (folder / "web" / "Linked").symlink_to("/etc/passwd")
    return folder


def of(exported: Path, build: Json) -> list[str]:
    return [*build_problems(Document.decode({"services": {"web": {"build": build}}}), exported, App("shop"))]


@pytest.mark.parametrize(
    ("build", "key"),
    [
        ("/etc", "context"),
        ("~/x", "context"),
        ("../x", "context"),
        ("./out", "context"),
        ("file:///etc", "context"),
        ({"context": "./web", "dockerfile": "../../x"}, "dockerfile"),
        ({"context": "./web", "dockerfile": "/etc/passwd"}, "dockerfile"),
        ({"context": "./web", "dockerfile": "Linked"}, "dockerfile"),
        ({"context": "./web", "additional_contexts": {"a": "/etc"}}, "additional_contexts.a"),
        ({"context": "./web", "additional_contexts": {"a": "./out"}}, "additional_contexts.a"),
        ({"context": "./web", "additional_contexts": {"a": "oci-layout:///x"}}, "additional_contexts.a"),
        ({"context": "./web", "cache_from": ["type=local,src=/x"]}, "cache_from"),
        ({"context": "./web", "cache_to": ["mode=max,type=local,dest=/x"]}, "cache_to"),
    ],
)
def test_a_build_that_leads_out_is_named_with_its_key(build, key, exported):
    (problem,) = of(exported, build)
    assert problem.startswith(f"service web: build.{key} ")


@pytest.mark.parametrize(
    "build",
    [
        ".",
        "./in",
        {"context": "./web", "dockerfile": "../Dockerfile"},
        {"context": "./web", "dockerfile_inline": "FROM x", "additional_contexts": {"a": "./in", "b": "service:c"}},
        {"context": "https://example.com/a.git", "additional_contexts": {"a": "docker-image://x", "b": "git@x:y"}},
        {"context": ".", "cache_from": ["type=registry,ref=x", "image"]},
    ],
)
def test_a_build_of_the_commit_passes(build, exported):
    assert of(exported, build) == []


def test_a_mount_that_a_link_leads_out_is_named_unless_it_is_data(exported):
    mounts = [{"type": "bind", "source": each, "target": "/x"} for each in ("./out/ssh", "./in", "/srv", "./gone")]
    document = Document.decode(
        {"services": {"web": {"image": "x", "volumes": mounts}}, "secrets": {"a": {"file": "./web/Linked"}}}
    )
    problems = [*mount_problems(document, exported, App("shop"))]
    assert [problem.split()[0] for problem in problems] == ["out/ssh", "web/Linked"]
    assert len([*mount_problems(document, exported, App("shop", data={"./out/ssh": "data"}))]) == 1
