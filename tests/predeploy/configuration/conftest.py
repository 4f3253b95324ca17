"""A small application that the checks of the configuration run on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.predeploy_application import Application


@pytest.fixture
def application(tmp_path: Path) -> Iterator[Application]:
    """Yield an application; whatever a test enters into its ``closing`` ends with the test."""
    application = Application(tmp_path)
    with application.closing:
        yield application
