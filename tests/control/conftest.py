"""A committed application for the tests of the control node."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.committed_shop import COMPOSE, create


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    files = {"compose.yaml": COMPOSE, "Dockerfile": "FROM python:3.13-slim\n", "conf/a.ini": "a"}
    top = create(tmp_path / "repository", files)
    (top / "left.txt").write_text("in no commit")
    return top
