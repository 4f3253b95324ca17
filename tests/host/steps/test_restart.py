"""A restart: one container after the other, and no request to one that others can stand in for."""

from __future__ import annotations

import pytest

from switchyard.core.errors import BadInput, SwitchyardError
from switchyard.core.wire.request import Request
from switchyard.host.adapters import engine, process
from switchyard.host.adapters.container import Container
from switchyard.host.adapters.files import write_json
from switchyard.host.steps import health
from switchyard.host.steps import restart as module
from switchyard.host.steps.restart import chosen_containers, restart_each
from tests.harness.attempts import led_astray
from tests.harness.release_record import RECORD

SERVICES = ("api", "web", "web")


@pytest.fixture
def containers(monkeypatch) -> list[Container]:
    """One container of a service and two of another."""
    containers = [
        Container.decode(
            {"Id": f"{name}{number}", "Labels": {"com.docker.compose.service": name, "switchyard.release": "R1"}}
        )
        for number, name in enumerate(SERVICES)
    ]
    monkeypatch.setattr(module, "containers_in", lambda app, colour: containers)
    return containers


def test_without_a_service_all_containers_are_chosen(containers):
    assert chosen_containers(Request("restart", "shop", "/"), "blue") == containers
    assert chosen_containers(Request("restart", "shop", "/", service="api"), "blue") == containers[:1]


def test_a_service_that_the_colour_lacks_is_named_with_those_that_it_has(containers):
    with pytest.raises(BadInput, match="no service of the live colour is called db; known: api, web"):
        chosen_containers(Request("restart", "shop", "/", service="db"), "blue")


def test_each_is_healthy_before_the_next_and_only_what_others_stand_in_for_is_taken_out(
    holder, containers, monkeypatch
):
    done: list[str] = []
    holder.store.releases.write(RECORD)
    holder.wanted.id = "R1"
    monkeypatch.setattr(engine, "address", lambda container: container)
    monkeypatch.setattr(process, "run", lambda argv, **_: done.append(f"restart {argv[-1]}"))
    monkeypatch.setattr(health, "prove_again", lambda attempt, container: done.append(f"prove {container.id}"))
    monkeypatch.setattr(holder.proxy, "rest", lambda address, within: done.append(f"rest {address}"))
    monkeypatch.setattr(holder.proxy, "resume", lambda colour: done.append(f"resume {colour}"))
    restart_each(holder, "blue")
    both = [f"{what} {name}" for name in ("web1", "web2") for what in ("rest", "restart", "prove", "resume")]
    assert done == ["restart api0", "prove api0", "resume blue"] + [
        "resume blue" if line.startswith("resume") else line for line in both
    ]


def test_nothing_restarts_whose_data_leads_out_of_the_application_by_now(holder, containers, fake_engine, monkeypatch):
    done: list[str] = []
    holder.store.releases.write(RECORD)
    holder.wanted.id = "R1"
    write_json(holder.store.release("R1") / "blue.json", {"services": {"api": led_astray(holder.store)}})
    fake_engine.know("/info", {})
    monkeypatch.setattr(process, "run", lambda argv, **_: done.append(argv[-1]))
    monkeypatch.setattr(holder.proxy, "resume", lambda colour: None)
    with pytest.raises(SwitchyardError, match="service api is not started"):
        restart_each(holder, "blue")
    assert done == []
