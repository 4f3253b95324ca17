"""What a test without an engine must not touch is out of its reach: the home folder, SSH settings, other machines."""

from __future__ import annotations

import functools
import ipaddress
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

E2E = Path(__file__).parent / "e2e"
PRIVATE = ("SSH_AUTH_SOCK", "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(E2E):
            item.add_marker(pytest.mark.e2e)


@pytest.fixture
def told(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Has a line printed at the end of the run, which a worker process cannot print itself."""
    return functools.partial(record_property, "told")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.getreports(outcome)]
    for name, text in (pair for report in reports for pair in report.user_properties):
        if name == "told":
            terminalreporter.write_line(text)


@pytest.fixture(autouse=True)
def apart(request: pytest.FixtureRequest) -> None:
    """Give every test but the end-to-end ones a home of its own, no agent and no network beyond loopback."""
    if request.node.get_closest_marker("e2e") is None:
        monkeypatch = request.getfixturevalue("monkeypatch")
        forbid_home(monkeypatch, request.getfixturevalue("tmp_path_factory").mktemp("home"))
        forbid_network(monkeypatch)


def forbid_home(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_TERMINAL_PROMPT", "0")
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Test")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "test@example.invalid")
    for name in PRIVATE:
        monkeypatch.delenv(name, raising=False)


def forbid_network(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, only_loopback(getattr(socket.socket, name)))


def only_loopback(connect: Any) -> Any:
    def guarded(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not is_loopback(str(address[0])):
            raise PermissionError(f"a test without an engine reaches for {address[0]}; mark it e2e")
        return connect(self, address)

    return guarded


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
