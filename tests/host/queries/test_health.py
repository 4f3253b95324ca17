"""Health as it is known now: the engine's last result or one quick look, never a wait and never a command."""

from __future__ import annotations

import contextlib
import itertools
import socket
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from switchyard.core.app import App, Check
from switchyard.core.wire.message import Json
from switchyard.host.adapters.container import Container, ContainerDetails
from switchyard.host.queries import health
from tests.harness.fake_engine import FakeEngine, State, listed
from tests.harness.release_record import RECORD

STARTED, BEFORE, AFTER = "2026-01-01T00:00:10.5Z", 1767225600.0, 1767225620.0
DECLARED: Json = {"Test": ["CMD", "true"]}
LATE = 1.0
"""Seconds that say that somebody waited, also on a busy machine."""


def known(name: str, fake: FakeEngine, *, state: str = "running", health: str = "", address: str = "") -> Container:
    """Let the engine know a container; one with ``health`` has a declared check."""
    details: State = {
        "Id": name,
        "State": {"Status": state, "Running": True, "StartedAt": STARTED, "Health": {"Status": health}},
        "Config": {"Healthcheck": DECLARED if health else None},
        "NetworkSettings": {"Networks": {"blue": {"IPAddress": address}}},
    }
    fake.know(f"/containers/{name}/json", details)
    return Container.decode(listed(name, service=name))


@contextlib.contextmanager
def silent_port() -> Iterator[int]:
    """Yield a port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize(
    ("said", "expected"), [("healthy", True), ("unhealthy", False), ("starting", None), ("none", None)]
)
def test_a_declared_check_counts_as_the_engine_saw_it_last_and_is_not_run(
    said: str, expected: bool | None, fake_engine: FakeEngine
) -> None:
    container = known("web", fake_engine, health=said)
    assert health.of_containers([container], RECORD) is expected
    assert fake_engine.asked("POST") == [], "nothing was executed"


@pytest.mark.parametrize("state", ["prepared", "failed", "live", "good", "unverified", "bad"])
@pytest.mark.parametrize(("since", "is_of_this_start"), [(AFTER, True), (BEFORE, False), (None, False)])
def test_before_the_first_result_the_proof_of_the_deploy_counts_for_the_start_that_it_saw(
    state: str, since: float | None, is_of_this_start: bool, fake_engine: FakeEngine
) -> None:
    container = known("web", fake_engine, health="starting")
    expected = True if is_of_this_start and state in ("live", "good", "unverified") else None
    assert health.of_containers([container], replace(RECORD, state=state, since=since)) is expected


@pytest.mark.parametrize("state", ["paused", "restarting", "exited", "created", "dead", "removing"])
def test_what_does_not_run_is_unknown_whatever_its_check_said_last(state: str, fake_engine: FakeEngine) -> None:
    assert health.of_containers([known("web", fake_engine, state=state, health="healthy")], RECORD) is None


@pytest.mark.parametrize("verdicts", list(itertools.product(("healthy", "unhealthy", "starting"), repeat=2)))
def test_one_that_is_not_healthy_counts_more_than_one_that_is_unknown(
    verdicts: tuple[str, str], fake_engine: FakeEngine
) -> None:
    containers = [known(f"part{number}", fake_engine, health=said) for number, said in enumerate(verdicts)]
    expected = False if "unhealthy" in verdicts else None if "starting" in verdicts else True
    assert health.of_containers(containers, RECORD) is expected


def test_of_no_container_nothing_is_known(fake_engine: FakeEngine) -> None:
    assert health.of_containers([], RECORD) is None
    assert health.of_containers([Container.decode(listed("gone"))], RECORD) is None


def test_twelve_checks_of_ours_that_do_not_answer_are_unknown_after_one_short_wait(fake_engine: FakeEngine) -> None:
    containers = [known(f"part{number}", fake_engine, address="127.0.0.1") for number in range(12)]
    with silent_port() as port:
        app = App("shop", checks={container.service: Check(port, "/health") for container in containers})
        began = time.monotonic()
        assert health.of_containers(containers, replace(RECORD, app=app)) is None
    assert time.monotonic() - began < LATE


def test_an_answer_of_ours_counts_before_a_declared_check(
    fake_engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "PROBES_WITHIN", 60.0)  # whatever else this machine does
    container = known("web", fake_engine, health="unhealthy", address="127.0.0.1")
    with silent_port() as port:
        assert health.of_containers([container], replace(RECORD, app=App("shop", checks={"web": Check(port)}))) is True


def test_a_container_without_a_start_has_no_place_in_time() -> None:
    never = ContainerDetails.decode({"Id": "web", "State": {"StartedAt": "0001-01-01T00:00:00Z"}})
    assert never.started < 0
