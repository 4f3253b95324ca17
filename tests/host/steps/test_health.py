"""A failed proof names every service that is ill, not only the one that was waited for."""

from __future__ import annotations

import pytest

from switchyard.host.adapters import probe
from switchyard.host.adapters.container import Container
from switchyard.host.adapters.probe import Answer
from switchyard.host.steps.health import prove_all
from tests.harness.attempts import begin_attempt
from tests.harness.fake_engine import listed
from tests.harness.release_record import RECORD


@pytest.fixture
def containers(fake_engine):
    names = ("web", "api", "mail", "docs", "jobs")
    for name in names:
        is_up = name != "docs"
        state = {"Status": "running" if is_up else "exited", "Running": is_up}
        fake_engine.know(f"/containers/{name}/json", {"Id": name, "State": state})
    return [Container.decode(listed(name, service=name, kind="plain", colour="blue", release="R1")) for name in names]


def test_the_services_that_nobody_waited_for_are_named_where_a_probe_fails_now(store, containers, monkeypatch):
    def prove(service, *_, **__):
        if service == "api":
            raise probe.Unhealthy("api: last answer: 500")
        return False

    monkeypatch.setattr(probe, "prove", prove)
    monkeypatch.setattr(probe, "once", lambda details, *_: Answer(details.id == "jobs", "no answer"))
    attempt = begin_attempt(store, app="shop")
    store.releases.write(RECORD)
    attempt.wanted.id = "R1"
    monkeypatch.setattr(attempt, "tick", lambda: None)
    assert not prove_all(attempt, "front blue", containers)
    assert attempt.memory.failed == {
        "front blue": "api: last answer: 500\nmail: last answer: no answer\ndocs: it does not run"
    }
