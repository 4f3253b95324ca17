"""A pytest plugin that writes one line of JSON for each thing that happens to a test.

It is copied into the application's environment and knows nothing of the rest of Switchyard.
"""

from __future__ import annotations

import json
import os
from typing import Any

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Only the process that gathers the reports writes; xdist's workers do not."""
    path = os.environ.get("SWITCHYARD_TESTS")
    if path and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Lines(path, str(config.rootpath)), "switchyard-lines")


class Lines:
    """Each line is whole when it is written, so that they can be read after a kill."""

    def __init__(self, path: str, root: str) -> None:
        self.path = path
        self.write(root=root, pytest=pytest.__version__)

    def write(self, **what: Any) -> None:
        """One line."""
        with open(self.path, "a") as file:
            file.write(json.dumps(what) + "\n")

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """The tests of a run in one process."""
        self.write(collected=[item.nodeid for item in session.items])

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """The tests of a run in several; each process collects them all."""
        self.write(collected=list(ids))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that could not be read."""
        if report.failed:
            said = str(report.longrepr).strip().splitlines()
            self.write(broken=report.nodeid, why=said[-1] if said else "")

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A test begins."""
        self.write(begun=nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test's setup, call or teardown ended."""
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
        """The run came to its end."""
        self.write(finished=True)
