"""What the tests of one worker share (a checkout, an advisory source, servers), and a subject without files."""

from __future__ import annotations

from pathlib import Path

import pytest

from switchyard.core.app import App
from switchyard.predeploy.engine.subject import Subject
from switchyard.settings.predeploy import PredeploySetting
from tests.harness.advisories import Advisories
from tests.harness.database_application import shop
from tests.harness.postgres import eighteen, newest, server, servers
from tests.harness.predeploy_case import Checkout

__all__ = ["advisories", "checkout", "eighteen", "newest", "server", "servers", "shop", "subject"]


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return Checkout(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="session")
def advisories(tmp_path_factory: pytest.TempPathFactory) -> Advisories:
    return Advisories(tmp_path_factory.mktemp("advisories"))


@pytest.fixture
def subject(tmp_path: Path) -> Subject:
    return Subject(
        app=App("shop"),
        setting=PredeploySetting(),
        top=tmp_path,
        repository=tmp_path,
        tree="t" * 40,
        clean=True,
        state=tmp_path / "state",
        checkout=tmp_path,
        env={"PASSWORD": "hunter2-hunter2"},
    )
