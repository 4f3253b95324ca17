"""A scale: what is too much is taken out first, and what does not get healthy goes again."""

from __future__ import annotations

import pytest

from switchyard.core.errors import SwitchyardError
from switchyard.host.adapters import engine, process
from switchyard.host.adapters.container import Container
from switchyard.host.adapters.files import write_json
from switchyard.host.steps import health
from switchyard.host.steps import scale as module
from switchyard.host.steps.scale import scale_live
from tests.harness.attempts import begin_attempt, led_astray
from tests.harness.release_record import RECORD


class Service:
    """The containers of one service, which Compose adds to until there are as many as asked for."""

    def __init__(self, store, monkeypatch, count: int) -> None:
        self.count = count
        self.done: list[str] = []
        self.ids = ["one", "two"]
        store.releases.write(RECORD)
        self.attempt = begin_attempt(store, verb="scale", app="shop", service="web", count=count)
        self.attempt.wanted.id = "R1"
        monkeypatch.setattr(module, "containers_in", lambda *_: self.containers())
        monkeypatch.setattr(engine, "address", lambda container: container)
        monkeypatch.setattr(engine, "remove", self.remove)
        monkeypatch.setattr(process, "run", lambda argv, **_: self.done.append(" ".join(argv[:2])))
        monkeypatch.setattr(self.attempt.commands, "run", self.add)
        for name in ("rest", "close", "resume", "forget"):
            monkeypatch.setattr(self.attempt.proxy, name, lambda *words, name=name, **_: self.done.append(name))

    def containers(self) -> list[Container]:
        labels = {"com.docker.compose.service": "web"}
        return [
            Container.decode({"Id": name, "Labels": {**labels, "com.docker.compose.container-number": str(number)}})
            for number, name in enumerate(self.ids)
        ]

    def add(self, argv: list[str]) -> None:
        assert argv[-1] == "--no-recreate"
        self.ids += ["three"] * (self.count - len(self.ids))

    def remove(self, container: str, *, force: bool) -> None:
        self.ids.remove(container)


def test_fewer_containers_are_taken_out_of_the_edge_before_they_stop(new_store, monkeypatch):
    service = Service(new_store, monkeypatch, 1)
    scale_live(service.attempt, "blue")
    assert service.ids == ["one"] and service.done == ["close", "rest", "docker stop", "forget", "resume"]


def test_a_new_container_is_proven_and_one_that_is_not_healthy_goes_again(new_store, monkeypatch):
    proven: list[str] = []
    service = Service(new_store, monkeypatch, 3)
    monkeypatch.setattr(health, "prove_new", lambda attempt, container: proven.append(container.id))
    scale_live(service.attempt, "blue")
    assert proven == ["three"] and service.ids == ["one", "two", "three"]

    def fail(*_: object) -> None:
        raise SwitchyardError("web: exited")

    service.ids = ["one", "two"]
    monkeypatch.setattr(health, "prove_new", fail)
    with pytest.raises(SwitchyardError, match="web: exited"):
        scale_live(service.attempt, "blue")
    assert service.ids == ["one", "two"] and service.done[-1] == "resume"


def test_no_container_is_added_whose_data_leads_out_of_the_application_by_now(new_store, fake_engine, monkeypatch):
    service = Service(new_store, monkeypatch, 3)
    write_json(new_store.release("R1") / "blue.json", {"services": {"web": led_astray(new_store)}})
    fake_engine.know("/info", {})
    with pytest.raises(SwitchyardError, match="service web is not started"):
        scale_live(service.attempt, "blue")
    assert service.ids == ["one", "two"]
