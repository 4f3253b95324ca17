"""A pytest plugin that writes one line of JSON for each event of a test.

The ``environment`` session copies it into the application's environment: it imports nothing of Switchyard.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Write in the process that gathers the reports only, not in xdist's workers."""
    path = os.environ.get("SWITCHYARD_TESTS")
    if path and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Lines(path, str(config.rootpath)), "switchyard-lines")


class Lines:
    """Writes whole lines, so that the file is readable after a kill."""

    def __init__(self, path: str, root: str) -> None:
        self.path = path
        self.write(root=root, pytest=pytest.__version__)

    def write(self, **event: str | float | Sequence[str] | None) -> None:
        """Append one line."""
        with open(self.path, "a") as file:
            file.write(json.dumps(event) + "\n")

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Write the tests of a run in one process."""
        self.write(collected=[item.nodeid for item in session.items])

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """Write the tests of a run in several processes, each of which collects them all."""
        self.write(collected=list(ids))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Write a file that could not be collected."""
        if report.failed:
            lines = str(report.longrepr).strip().splitlines()
            self.write(broken=report.nodeid, why=lines[-1] if lines else "")

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Write that a test starts."""
        self.write(begun=nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write how a test's setup, call or teardown ended."""
        crash = getattr(report.longrepr, "reprcrash", None)
        self.write(
            test=report.nodeid,
            when=report.when,
            outcome=report.outcome,
            seconds=report.duration,
            why=crash.message.splitlines()[0] if crash and crash.message else "",
            line=crash.lineno if crash else None,
            file=crash.path if crash else "",
        )

    def pytest_sessionfinish(self) -> None:
        """Write that the run reached its end."""
        self.write(finished=True)
