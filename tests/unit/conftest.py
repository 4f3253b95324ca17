"""Servers that the tests of one worker share, started by the first that asks."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from switchyard.predeploy.database.reference_server import FOLDERS, NEWEST, Server
from tests.embedded import Shop

REAL = {"wal_level": "replica", "max_wal_senders": "4", "max_replication_slots": "4", "max_prepared_transactions": "4"}
"""Settings of a server that somebody uses."""


ELSEWHERE = os.environ.get("SWITCHYARD_SERVERS")
"""Other servers, each in a folder named after its major version (``nox -s schemas -- versions``)."""
REAL |= {"shared_preload_libraries": "pg_stat_statements"} if ELSEWHERE else {}
collect_ignore = [] if ELSEWHERE else ["test_predeploy_statistics.py"]
"""Of what the wheel's servers do not have."""
MAJORS = sorted(int(path.name) for path in Path(ELSEWHERE).iterdir()) if ELSEWHERE else sorted(FOLDERS)


@pytest.fixture(scope="session")
def servers() -> Iterator[Callable[[int], Server]]:
    """The server of a major version that is looked at."""
    with contextlib.ExitStack() as stack:

        def start(major: int) -> Server:
            installed = Path(ELSEWHERE) / str(major) if ELSEWHERE else None
            return stack.enter_context(contextlib.closing(Server(major, installed, **REAL)))

        yield functools.cache(start)


@pytest.fixture(params=MAJORS)
def server(request: pytest.FixtureRequest, servers: Callable[[int], Server]) -> Server:
    """Each version."""
    return servers(request.param)


@pytest.fixture(params=MAJORS if ELSEWHERE else [NEWEST])
def newest(request: pytest.FixtureRequest, servers: Callable[[int], Server]) -> Server:
    """The newest version; each where others were fetched to be looked at."""
    return servers(request.param)


@pytest.fixture
def eighteen(servers: Callable[[int], Server]) -> Server:
    """The first version that has what the test is about."""
    return servers(18)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)
