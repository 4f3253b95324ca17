"""A small application in a git repository, resolved from a clean export of its commit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from switchyard.control import commit_files, compose
from switchyard.core.app import App
from switchyard.core.compose_document import Document
from tests.harness.git import git

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


def create(top: Path, files: Mapping[str, str]) -> Path:
    """Create a repository with one commit of these files."""
    for name, text in files.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text)
    git(top, "init", "--quiet")
    commit(top)
    return top


def commit(top: Path) -> str:
    """Commit the whole work tree and return the commit's id."""
    git(top, "add", "--all")
    git(top, "commit", "--quiet", "--message", "x")
    return git(top, "rev-parse", "HEAD")


def exported(top: Path, into: Path) -> Path:
    into.mkdir()
    commit_files.export(top, "HEAD", into)
    return into


def resolved(folder: Path, env: Mapping[str, str]) -> Document:
    return compose.resolve(folder, App("shop"), env)
