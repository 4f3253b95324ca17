"""One sandbox host for all tests of a process, and an application of its own for each test."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from switchyard.control import sandbox
from tests.harness.load import Load
from tests.harness.site import Site, in_formats


@pytest.fixture(scope="session")
def sandbox_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[sandbox.SandboxHost, Path]]:
    with one_host(tmp_path_factory.mktemp("sandbox")) as host:
        yield host


@pytest.fixture(scope="session")
def second_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[sandbox.SandboxHost, Path]]:
    with one_host(tmp_path_factory.mktemp("second")) as host:
        yield host


@contextlib.contextmanager
def one_host(state: Path) -> Iterator[tuple[sandbox.SandboxHost, Path]]:
    """Yield a sandbox host and its state folder, and remove it at the end."""
    try:
        (host,) = sandbox.up(1, state=state)
        yield host, state
    finally:
        sandbox.down(state=state, images=False)


@pytest.fixture
def site(tmp_path: Path, sandbox_host: tuple[sandbox.SandboxHost, Path]) -> Iterator[Site]:
    """Yield a test's application, and check its files on the host at the end."""
    with in_formats(Site(tmp_path, *sandbox_host)) as site:
        yield site


@pytest.fixture
def under_load(site: Site) -> Iterator[Callable[[], Load]]:
    """Yield a function that starts a load. Every load ends with the test, whatever becomes of it."""
    loads: list[Load] = []

    def start() -> Load:
        loads.append(site.load().start())
        return loads[-1]

    yield start
    for load in loads:
        load.stop()
