"""A real compose file of a real commit is split, and Compose accepts the generated documents."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from switchyard.control import commit_files, compose
from switchyard.core.app import App
from switchyard.core.compose_document import Document
from switchyard.core.split import split
from tests.harness.committed_shop import create, exported, resolved

ROOT = "/srv/shop"
KINDS = {"worker": "handover"}
COMPOSE = """
services:
  db:
    image: postgres:17
    restart: always
    environment: {POSTGRES_PASSWORD: "${PASSWORD:?}"}
    volumes: ["pgdata:/var/lib/postgresql/data"]
  migrate:
    build: .
    command: ["sh", "-c", "echo $$HOME"]
    depends_on: [db]
  api:
    build: .
    restart: always
    container_name: api
    ports: ["127.0.0.1:8000:8000"]
    depends_on: {migrate: {condition: service_completed_successfully}}
  web:
    build: {context: web}
    restart: always
    ports: ["8080:80"]
    volumes: ["./conf:/etc/web", "./uploads:/uploads"]
  worker:
    build: .
    restart: always
volumes: {pgdata: }
"""


def resolved_shop(tmp_path: Path) -> tuple[Document, frozenset[str]]:
    image = "FROM python:3.13-slim\n"
    names = {"app/compose.yaml": COMPOSE, "app/Dockerfile": image, "app/web/Dockerfile": image, "app/conf/a": "a"}
    top = create(tmp_path / "repository", names)
    (tmp_path / "export").mkdir()
    commit_files.export(top, "HEAD", tmp_path / "export")
    document = compose.resolve(tmp_path / "export", App("shop", path="app"), {"PASSWORD": "a$b"})
    return document, commit_files.tracked(top, "HEAD")


def test_a_real_compose_file_of_a_real_commit_is_split(tmp_path):
    document, tracked = resolved_shop(tmp_path)
    app = App("shop", path="app", kinds=KINDS, data={"./uploads": "data"})
    parts = split(document, app=app, release="R7", root=ROOT, tracked=tracked, folder="app")
    assert {name: kind.kind for name, kind in parts.kinds.items()} == {
        "db": "shared",
        "migrate": "oneshot",
        "api": "routed",
        "web": "routed",
        "worker": "handover",
    }
    assert sorted(route.name for route in parts.routes) == ["api-8000", "web-80"]
    web = parts.colours["green"]["services"]["web"]
    assert {mount["target"]: mount["source"] for mount in web["volumes"]} == {
        "/etc/web": f"{ROOT}/releases/R7/files/app/conf",
        "/uploads": f"{ROOT}/data/uploads",
    }
    assert parts.build["services"]["web"]["build"]["context"] == f"{ROOT}/releases/R7/files/app/web"
    assert parts.colours["blue"]["services"]["migrate"]["command"][-1] == "echo $$HOME"
    assert parts.shared["services"]["db"]["environment"] == {"POSTGRES_PASSWORD": "a$$b"}
    blue, green = (json.dumps(parts.colours[colour]) for colour in ("blue", "green"))
    assert blue.replace("blue", "green") == green


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
