"""Compose reads files of the commit, from where it would read them itself, and no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from switchyard.control import compose, compose_reads
from switchyard.core.app import App
from switchyard.core.errors import BadInput


def resolve(top: Path, files: dict[str, str], env: dict[str, str] | None = None) -> dict[str, dict[str, str]]:
    """Return the environment of each service."""
    for name, text in files.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text)
    document = compose.resolve(top, App("shop"), env or {})
    return {name: dict(service.environment) for name, service in document.services.items()}


def test_paths_start_where_compose_starts_them(tmp_path):
    files = {
        "compose.yaml": "include: [{path: sub/inc.yaml}]\n"
        "services: {a: {image: x, extends: {file: sub/deep/ext.yaml, service: e}}}",
        "sub/inc.yaml": "services: {b: {image: x, env_file: ['${F}'], extends: {file: deep/ext.yaml, service: e}}}",
        "sub/.env": "F=a.env",
        "sub/a.env": "A=1",
        "sub/deep/ext.yaml": "services: {e: {image: x, env_file: [../b.env]}}",
        "sub/b.env": "B=2",
    }
    assert resolve(tmp_path, files) == {"a": {"B": "2"}, "b": {"A": "1", "B": "2"}}
    (tmp_path / "sub" / "b.env").unlink()
    (tmp_path / "sub" / "b.env").symlink_to("/etc/hostname")
    with pytest.raises(BadInput, match=r"sub/deep/ext\.yaml:1: services\.e\.env_file\.0: \.\./b\.env leads out"):
        compose.resolve(tmp_path, App("shop"), {})


def test_every_problem_has_its_line_and_the_setting_that_allows_it(tmp_path):
    text = "services:\n  a:\n    image: x\n    env_file: [../a.env]\n  b:\n    image: x\n    env_file: /b.env\n"
    with pytest.raises(BadInput) as caught:
        resolve(tmp_path, {"compose.yaml": text})
    first, second = str(caught.value).splitlines()
    assert first.startswith("compose.yaml:4: services.a.env_file.0: ../a.env leads out of the commit")
    assert second.startswith("compose.yaml:7: ") and second.endswith("hosts: {NAME: {env: {files: [/b.env]}}}")


def test_compose_files_that_lead_to_each_other_end_and_there_are_not_too_many(tmp_path, monkeypatch):
    files = {"compose.yaml": "include: [b.yaml]\nservices: {}", "b.yaml": "include: [compose.yaml]\nservices: {}"}
    with pytest.raises(BadInput, match="Docker Compose says"):
        resolve(tmp_path, files)
    monkeypatch.setattr(compose_reads, "FILES_MOST", 1)
    with pytest.raises(BadInput, match="more than 1 compose files"):
        resolve(tmp_path, files)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("services: [", r"compose.yaml:1: not YAML"),
        ("a: &a [*a]", r"compose.yaml:1: not YAML"),
        ("\0", "not YAML"),
        ("services: {a: {image: x, env_file: '${X:?set it}'}}", "Docker Compose says: .*set it"),
    ],
)
def test_what_cannot_be_read_is_an_error_in_words(text, words, tmp_path):
    with pytest.raises(BadInput, match=words):
        resolve(tmp_path, {"compose.yaml": text})
