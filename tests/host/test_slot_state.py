"""The state of a colour's services, as the engine shows it and as the attempt remembers it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from switchyard.core.site import Slot
from switchyard.host.adapters import engine
from switchyard.host.adapters.container import Container
from switchyard.host.adapters.files import link, write_json
from switchyard.host.memory import Memory
from switchyard.host.slot_state import held_release, identity, slot
from tests.harness.fake_engine import listed
from tests.harness.release_record import RECORD

STARTED = "2026-01-01T00:00:00Z"


@pytest.fixture
def containers(store, fake_engine) -> list[Container]:
    """Two containers of web and a worker, of release R1 in green, all running."""
    store.releases.write(replace(RECORD, front=("web",), handover=("worker",)))
    write_json(store.release("R1") / "green.json", {"services": {"web": {"deploy": {"replicas": 2}}, "worker": {}}})
    for name in ("web-1", "web-2", "worker-1"):
        fake_engine.know(f"/containers/{name}/json", {"Id": name, "State": {"StartedAt": STARTED}})
    labels = {"colour": "green", "release": "R1"}
    fake_engine.know(
        "/containers/json",
        [
            listed("web-1", service="web", kind="routed", **labels),
            listed("web-2", service="web", kind="routed", **labels),
            listed("worker-1", service="worker", kind="handover", **labels),
            listed("migrate-1", service="migrate", kind="oneshot", **labels),
        ],
    )
    return engine.containers()


def stopped(containers: list[Container], *services: str) -> list[Container]:
    return [each._replace(state="exited") if each.service in services else each for each in containers]


def test_a_colour_without_containers_is_an_empty_slot(store, containers):
    assert slot(store, Memory(), "blue", containers) == Slot()


def test_the_live_colour_holds_its_release_also_where_every_container_was_removed(store, containers):
    link(store.root / "green", "releases/R1")
    assert slot(store, Memory(), "green", [], "green") == Slot("R1", "none", "none")
    assert held_release(store, containers, "green", "blue") == "R1"
    assert held_release(store, [], "green", "blue") is None, "the idle colour is what its containers are"
    link(store.root / "green", "releases/gone")
    assert slot(store, Memory(), "green", [], "green") == Slot()


def test_what_runs_is_healthy_only_for_the_program_that_proved_it(store, containers):
    assert slot(store, Memory(), "green", containers) == Slot("R1", "starting", "running")
    memory = Memory(proven={"front green": identity(containers[:2]), "single green": identity(containers[2:3])})
    assert slot(store, memory, "green", containers) == Slot("R1", "healthy", "healthy")


def test_a_proof_is_of_these_containers_since_they_started(store, containers, fake_engine):
    memory = Memory(proven={"front green": identity(containers[:2])})
    fake_engine.know("/containers/web-2/json", {"Id": "web-2", "State": {"StartedAt": "2026-01-02T00:00:00Z"}})
    assert slot(store, memory, "green", containers).front == "starting"


def test_fewer_containers_than_wanted_are_stopped_or_still_starting_where_this_attempt_started_them(store, containers):
    fewer = [*containers[:1], *containers[2:]]
    assert slot(store, Memory(), "green", fewer).front == "stopped"
    assert slot(store, Memory(started={"front green"}), "green", fewer).front == "starting"
    store.set_scales({"web": 1})
    assert slot(store, Memory(), "green", fewer).front == "starting"


def test_the_containers_of_one_service_do_not_stand_in_for_another(store, containers):
    store.releases.write(replace(RECORD, front=("mailer", "web"), handover=("mover", "worker")))
    more = {"web": {}, "worker": {}, "mailer": {}, "mover": {}}
    write_json(store.release("R1") / "green.json", {"services": more})
    assert slot(store, Memory(), "green", containers) == Slot("R1", "stopped", "lacking")
    started = Memory(started={"front green", "single green"})
    assert slot(store, started, "green", containers) == Slot("R1", "starting", "running")
    assert Slot("R1", "stopped", "lacking").runs_singletons


def test_what_is_paused_does_not_run_and_may_still_be_at_work(store, containers):
    paused = [each._replace(state="paused") for each in containers]
    assert slot(store, Memory(), "green", paused) == Slot("R1", "stopped", "lacking")


def test_a_singleton_that_ended_after_this_attempt_started_it_may_still_be_at_work(store, containers):
    ended = stopped(containers, "worker")
    assert slot(store, Memory(), "green", ended).single == "stopped"
    assert slot(store, Memory(started={"single green"}), "green", ended).single == "running"
    without = [each for each in containers if each.service != "worker"]
    assert slot(store, Memory(), "green", without).single == "none"
    store.releases.write(replace(RECORD, front=("web",)))
    assert slot(store, Memory(), "green", without).single == "unused"


def test_what_failed_stays_failed_for_this_attempt(store, containers):
    memory = Memory(failed={"front green": "web: exited", "single green": "worker: exited"})
    assert slot(store, memory, "green", containers) == Slot("R1", "failed", "failed")


def test_before_its_colour_is_live_the_proof_of_exclusive_services_is_enough(store, containers, fake_engine):
    """Users wait for them, and not for workers; those are proven once the colour is live."""
    app = replace(RECORD.app, kinds={"git": "exclusive", "worker": "handover"})
    store.releases.write(replace(RECORD, app=app, front=("web",), handover=("git", "worker")))
    document = {"services": {"web": {"deploy": {"replicas": 2}}, "git": {}, "worker": {}}}
    write_json(store.release("R1") / "green.json", document)
    labels = {"com.docker.compose.service": "git", "switchyard.kind": "exclusive"}
    git = containers[2]._replace(id="git-1", labels={**containers[2].labels, **labels})
    fake_engine.know("/containers/git-1/json", {"Id": "git-1", "State": {"StartedAt": STARTED}})
    memory, every = Memory(proven={"single green": identity([git])}), [*containers, git]
    assert slot(store, memory, "green", every, "blue") == Slot("R1", "starting", "healthy", exclusive=True)
    assert slot(store, memory, "green", every, "green") == Slot("R1", "starting", "running", exclusive=True)
