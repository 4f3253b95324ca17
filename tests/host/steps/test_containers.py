"""Starting a colour: everything where nothing runs, else only what is missing, and never what runs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from switchyard.host.adapters.files import write, write_json
from switchyard.host.attempt import Attempt
from switchyard.host.steps import containers as module
from switchyard.host.steps.containers import start
from tests.harness.attempts import led_astray
from tests.harness.fake_engine import FakeEngine, listed
from tests.harness.release_record import RECORD

SERVICES = ("api", "web")
ID = {"api": "api-1", "web": "web-1"}


class Commands:
    """Runs nothing: what Compose or the engine is asked to start runs from then on."""

    def __init__(self, fake: FakeEngine, states: dict[str, str], fails: bool) -> None:
        self.fake, self.states, self.fails = fake, states, fails
        self.lines: list[str] = []
        self.show_containers()

    def show_containers(self) -> None:
        labels = {"colour": "blue", "release": "R1", "kind": "plain"}
        known = [listed(ID[name], service=name, state=state, **labels) for name, state in self.states.items()]
        self.fake.know("/containers/json", known)

    def run(self, argv: list[str], **_: object) -> None:
        self.lines.append(" ".join(argv))
        if self.fails:
            raise module.SwitchyardError("port is allocated")
        started = [name for name in SERVICES if name in argv or ID[name] in argv]
        self.states |= dict.fromkeys(started, "running")
        self.show_containers()


def starting(attempt: Attempt, fake: FakeEngine, states: dict[str, str], *, fails: bool = False) -> Commands:
    attempt.store.releases.write(replace(RECORD, front=SERVICES))
    write_json(attempt.store.release("R1") / "blue.json", {"services": {name: {} for name in SERVICES}})
    attempt.commands = Commands(fake, states, fails)  # type: ignore[assignment]
    return attempt.commands  # type: ignore[return-value]


def live(attempt: Attempt, colour: str, release: str) -> None:
    (attempt.store.edge / "maps").mkdir(parents=True, exist_ok=True)
    write(attempt.store.edge / "maps" / "live.map", f"live {colour}\n")
    attempt.wanted.id = release


UP = "docker compose -p shop-blue -f ROOT/releases/R1/blue.json up -d --no-deps --no-build"


@pytest.mark.parametrize(
    "states,lines,restored",
    [
        ({}, [f"{UP} api web"], set()),  # without any container nothing tells which release is live
        ({"web": "exited"}, [f"{UP} api web"], {"api", "web"}),
        ({"api": "running"}, [f"{UP} web --no-recreate"], {"web"}),
        ({"api": "running", "web": "exited"}, [f"{UP} web --no-recreate"], {"web"}),
        ({"api": "running", "web": "created"}, [f"{UP} web --no-recreate"], {"web"}),
        ({"api": "running", "web": "paused"}, ["docker unpause web-1"], {"web"}),
        ({"api": "exited", "web": "paused"}, ["docker unpause web-1", f"{UP} api --no-recreate"], {"api", "web"}),
        ({"api": "running", "web": "running"}, [], set()),
    ],
)
def test_only_what_is_missing_starts_and_is_remembered(holder, fake_engine, states, lines, restored):
    live(holder, "blue", "R1")
    commands = starting(holder, fake_engine, dict(states))
    start(holder, "blue", "R1", SERVICES)
    assert [line.replace(str(holder.store.root), "ROOT") for line in commands.lines] == lines
    assert holder.memory.restored == restored and holder.lease.has_switched is bool(restored)


@pytest.mark.parametrize("colour,release", [("green", "R1"), ("blue", "R2"), ("none", "R1")])
def test_a_release_that_is_not_live_is_brought_up_and_nothing_live_has_changed(holder, fake_engine, colour, release):
    live(holder, colour, release)
    starting(holder, fake_engine, {"web": "exited"})
    start(holder, "blue", "R1", SERVICES)
    assert holder.memory.restored == set() and not holder.lease.has_switched


def test_a_start_that_fails_and_starts_nothing_has_changed_nothing(holder, fake_engine):
    live(holder, "blue", "R1")
    starting(holder, fake_engine, {"api": "running", "web": "exited"}, fails=True)
    with pytest.raises(module.SwitchyardError, match="allocated"):
        start(holder, "blue", "R1", SERVICES)
    assert holder.memory.restored == set() and not holder.lease.has_switched


def test_nothing_starts_whose_data_leads_out_of_the_application_by_now(holder, fake_engine):
    live(holder, "blue", "R1")
    commands = starting(holder, fake_engine, {})
    fake_engine.know("/info", {})
    write_json(holder.store.release("R1") / "blue.json", {"services": {"web": led_astray(holder.store), "api": {}}})
    with pytest.raises(module.SwitchyardError, match=r"service web is not started: volumes: .*data/up leads to /etc"):
        start(holder, "blue", "R1", SERVICES)
    assert commands.lines == []
    start(holder, "blue", "R1", ["api"])
    assert len(commands.lines) == 1
