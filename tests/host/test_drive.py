"""One attempt from its lease to its end, on a simulated machine: what fails before its switch, and what after it."""

from __future__ import annotations

import errno
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from switchyard.core.errors import FAILED, OK, TAKEN_BACK, UNVERIFIED, NotChecked
from switchyard.core.site import Site, Slot
from switchyard.core.steps import Step, StepName
from switchyard.core.wire.request import Request
from switchyard.host import drive, hello, observe, program
from switchyard.host.adapters import engine
from switchyard.host.adapters.disk import RESERVE
from switchyard.host.adapters.journal import Journal
from switchyard.host.adapters.lease import LeaseKeeper
from switchyard.host.adapters.releases import Releases
from switchyard.host.adapters.store import Store
from switchyard.host.attempt import Attempt
from switchyard.host.event_log import EventLog
from switchyard.host.memory import Memory
from switchyard.host.steps import table as acts
from switchyard.host.verbs import deploy
from tests.harness.attempts import begin_attempt
from tests.harness.facts import FACTS
from tests.harness.release_record import RECORD
from tests.harness.simulated import Machine

SERVING = Site(
    blue=Slot("old", "healthy", "healthy"),
    proxy="blue",
    map_file="blue",
    edge="current",
    shared="healthy",
    stage="received",
)


class Run:
    """A deploy of ``new`` beside ``old``, with something that happens at a moment of it."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store = Store(root)
        self.store.prepare()
        self.machine = Machine.of(SERVING, "new")
        self.happens: Callable[[str], None] = lambda moment: None
        """Told each step before it is done, and ``looks`` before each look at the machine."""
        self.patch = monkeypatch
        for step in acts.ACTS:
            monkeypatch.setitem(acts.ACTS, step, lambda attempt, colour, name=step: self.act(attempt, name, colour))
        monkeypatch.setattr(observe, "site", self.site)
        monkeypatch.setattr(hello, "collect_facts", lambda *_: FACTS)
        monkeypatch.setattr(deploy, "receive", self.receive)
        monkeypatch.setattr(drive.prune, "prune", lambda attempt: None)

    def receive(self, attempt: Attempt) -> None:
        self.store.releases.write(replace(RECORD, id="new", number=2))
        attempt.wanted.id = "new"

    def site(self, store: Store, app: str, release: str, memory: Memory) -> Site:
        self.happens("looks")
        return replace(self.machine.seen(), verdict=memory.verdict)

    def act(self, attempt: Attempt, name: StepName, colour: str) -> None:
        self.happens(name)
        if name == "switch":
            attempt.lease.has_switched = True
            attempt.lease.renew()
            if colour == "green":
                self.store.releases.update("new", state="live", since=1.0, colour=colour)
        if name == "hold":
            attempt.lease.has_switched = True
        if name == "start_singletons":
            attempt.memory.started.add(f"single {colour}")
        self.machine.do(Step(name, colour or None))
        if name in ("look", "seen"):
            attempt.memory.verdict = self.machine.memory.verdict
        if name == "prove_singletons" and self.machine.memory.verdict == "wrong":
            attempt.memory.verdict, attempt.memory.reason = "wrong", "worker ended"
        if name == "prove" and f"front {colour}" in self.machine.memory.failed:
            attempt.memory.reason = "web: exited"

    def end(self) -> dict[str, Any]:
        """How it ends, as the last line of its events says."""
        folder = self.store.attempts / "one"
        folder.mkdir()
        request = Request("deploy", "web", str(self.store.root), who="ann@laptop")
        (folder / "request.json").write_text(json.dumps(request.encode()))
        words = ("receive", "prepare", "switch")
        (folder / "said.jsonl").write_text("".join(json.dumps({"say": word}) + "\n" for word in words))
        program.run(self.store.root, folder)
        self.events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
        assert self.store.lease.current() is None
        return self.events[-1]

    @property
    def whole(self) -> tuple[str, str, str]:
        """What is live, and how the singletons of both colours are."""
        return self.machine.running_map, *(self.machine.colours[name].single for name in ("blue", "green"))


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    return Run(tmp_path / "root", monkeypatch)


def test_a_deploy_goes_to_its_end(run):
    assert run.end()["exit"] == OK and run.whole == ("green", "stopped", "running")
    assert run.store.releases.record("new").state == "good"


@pytest.mark.parametrize("noticed", ["prove_singletons", "looks"])
def test_singletons_that_a_killed_engine_left_down_are_started_again_and_speak_against_no_release(run, noticed):
    def site(store: Store, app: str, release: str, memory: Memory) -> Site:
        seen = Run.site(run, store, app, release, memory)
        ended = seen.green.single == "stopped" and "single green" in memory.started
        return replace(seen, green=replace(seen.green, single="running")) if ended else seen

    def is_killed(moment: str) -> None:
        if moment == noticed and run.machine.colours["green"].single == "running" and not killed:
            killed.append(moment)
            run.machine.colours["green"].single = "stopped"
            raise NotChecked("the engine is away")

    killed: list[str] = []
    run.patch.setattr(observe, "site", site)
    run.happens = is_killed
    assert run.end()["exit"] == OK and run.whole == ("green", "stopped", "running")
    begun = [event["step"] for event in run.events if event.get("state") == "begins"]
    assert killed and begun.count("start_singletons") == 2


def test_what_dies_between_prepared_and_the_switch_fails_and_is_taken_down(run):
    def dies(attempt: Attempt) -> None:
        run.machine.colours["green"].front = "stopped"
        run.machine.sick = frozenset({"new front"})

    run.patch.setattr(deploy, "_way_back", dies)
    end = run.end()
    assert (end["outcome"], end["exit"], end["reason"]) == ("failed", FAILED, "web: exited")
    assert run.events[-2]["step"] == "cancel" and run.machine.colours["green"].front == "stopped"
    assert run.store.releases.record("new").state == "failed" and run.whole[0] == "blue"


def failing(errors: list[Exception], real: Callable[..., Any]) -> Any:
    """A function that fails with these errors first."""

    def act(*words: Any, **fields: Any) -> Any:
        if errors:
            raise errors.pop()
        return real(*words, **fields)

    return act


FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("error", [FULL, RuntimeError("never thought of")], ids=["full", "unexpected"])
@pytest.mark.parametrize("where", ["renew", "update", "append", "tick", "emit", "site"])
def test_past_the_switch_an_error_anywhere_is_no_end_of_it(run, error, where):
    def breaks(moment: str) -> None:
        if moment == "stop_singletons":
            run.happens = lambda moment: None
            owners = {"renew": LeaseKeeper, "update": Releases, "append": Journal, "emit": EventLog, "site": observe}
            owner = owners.get(where, Attempt)
            run.patch.setattr(owner, where, failing(errors, getattr(owner, where)))

    errors = [error]
    run.patch.setattr("switchyard.host.attempt_lease.RENEW_EVERY", -1.0)
    run.happens = breaks
    end = run.end()
    assert errors == []
    assert (end["outcome"], end["exit"]) == ("live", OK), end
    assert run.whole == ("green", "stopped", "running") and run.store.releases.record("new").state == "good"


def test_an_engine_that_stays_away_past_the_switch_is_waited_for_again(run):
    away = [NotChecked("Docker's engine does not answer")] * 5

    def goes(moment: str) -> None:
        if moment == "looks" and run.machine.running_map == "green" and away:
            raise away.pop()

    run.patch.setattr(engine, "BACK_WITHIN", 0.0)
    run.happens = goes
    assert run.end()["exit"] == OK and not away and run.whole == ("green", "stopped", "running")


def test_past_the_switch_a_step_that_keeps_failing_takes_the_release_back(run):
    def breaks(moment: str) -> None:
        if moment == "look":
            raise RuntimeError("never thought of")

    run.happens = breaks
    end = run.end()
    assert end["exit"] == TAKEN_BACK and "bug: RuntimeError at test_drive" in end["reason"]
    assert run.whole == ("blue", "running", "stopped") and run.store.releases.record("new").state == "bad"
    assert "RuntimeError" in (run.store.attempts / "one" / "traceback").read_text()


def test_past_the_switch_nothing_ends_as_if_nothing_live_had_changed(run):
    def breaks(moment: str) -> None:
        if run.machine.running_map == "green":
            raise RuntimeError("never thought of")

    run.happens = breaks
    end = run.end()
    assert (end["outcome"], end["exit"]) == ("held", UNVERIFIED) and "did not settle" in end["reason"]


def test_before_the_switch_an_error_of_its_own_ends_it_at_once(run):
    def breaks(moment: str) -> None:
        if moment == "smoke":
            raise RuntimeError("never thought of")

    run.happens = breaks
    end = run.end()
    assert (end["outcome"], end["exit"]) == ("failed", FAILED) and "has a bug: RuntimeError at test_drive" in end[
        "reason"
    ]
    assert run.whole[0] == "blue" and run.machine.colours["green"].front == "stopped"


def test_an_event_that_finds_the_disk_full_is_written_whole_with_the_room_of_the_reserve(run, monkeypatch):
    (run.store.root / "reserve").write_bytes(bytes(RESERVE))
    attempt = begin_attempt(run.store)
    path = attempt.folder / "events.jsonl"
    path.write_text('{"event": "before"}\n')

    class Full(io.FileIO):
        def write(self, data: bytes) -> int:
            if (run.store.root / "reserve").exists():
                if path.stat().st_size > 20:
                    raise FULL
                return super().write(data[:9])
            return super().write(data)

    monkeypatch.setattr("switchyard.host.adapters.files.open", lambda fd, *_, **__: Full(fd, "ab"), raising=False)
    attempt.events.progress("goes on")
    assert [json.loads(line)["event"] for line in path.read_text().splitlines()] == ["before", "progress"]


def test_a_release_whose_exclusive_service_fails_before_the_switch_is_taken_back_and_was_never_live(run):
    run.machine = Machine.of(SERVING, "new", frozenset({"new single"}), singles="exclusive")
    run.machine.colours["blue"].exclusive = True
    end = run.end()
    assert end["exit"] == TAKEN_BACK, end
    assert run.whole == ("blue", "running", "stopped")
    record = run.store.releases.record("new")
    assert (record.state, record.since) == ("failed", None) and not run.machine.holds


@pytest.mark.parametrize("is_mistake,state", [(True, "failed"), (False, "bad")])
def test_a_mistake_of_the_settings_does_not_make_a_commit_bad(run, is_mistake, state):
    def judged(store: Store, app: str, release: str, memory: Memory) -> Site:
        seen = Run.site(run, store, app, release, memory)
        if seen.live == "green" and seen.green.single == "running":
            memory.verdict, memory.reason, memory.is_mistake_of_settings = "wrong", "worker ended", is_mistake
        return replace(seen, verdict=memory.verdict)

    run.patch.setattr(observe, "site", judged)
    assert run.end()["exit"] == TAKEN_BACK
    record = run.store.releases.record("new")
    assert (record.state, record.reason) == (state, "worker ended")
