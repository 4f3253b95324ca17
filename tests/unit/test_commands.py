"""The commands of a plan, and running one on the host: what a plan shows, and what ends a command."""

from __future__ import annotations

import subprocess
import time
from functools import partial
from pathlib import Path

import pytest

from switchyard.control import commit as source
from switchyard.core import commands
from switchyard.core.commands import Target, planned, shown
from switchyard.core.compose_document import changed_keys
from switchyard.core.errors import NotChecked, SwitchyardError
from switchyard.core.site import Site, Slot
from switchyard.core.steps import Step
from switchyard.host.adapters import process
from switchyard.host.attempt import Cancelled
from switchyard.host.steps import build as images

TARGET = Target(
    app="shop",
    root="/srv/shop",
    release="R2",
    builds=True,
    pulls={"db": "postgres:17"},
    shared=("db",),
    oneshots=("migrate",),
    front=("api", "web"),
    handover=("worker",),
    smoke=("make", "smoke"),
    scales={"api": 3},
)
LIVE = Site(
    blue=Slot("R1", "healthy", "healthy"), proxy="blue", map_file="blue", edge="current", shared="healthy", stage="ran"
)


def lines(step: Step, site: Site = LIVE, images: tuple[str, ...] = (), known: tuple[str, ...] = ()) -> list[str]:
    return [shown(argv, "R2") for argv in planned(step, TARGET, site, images=images, known=known)]


def test_a_build_builds_pulls_what_is_not_here_and_tags_what_is():
    build = "docker compose -p shop-build -f /srv/shop/releases/RELEASE/build.json build"
    tag = "docker tag IMAGE switchyard/shop/db:RELEASE"
    assert lines(Step("build")) == [build, "docker pull --quiet postgres:17", tag]
    assert lines(Step("build"), images=("postgres:17",)) == [build, tag]


def test_shared_services_that_run_are_not_tagged_again():
    up = "docker compose -p shop-shared -f /srv/shop/shared/compose.json up -d --no-recreate db"
    assert lines(Step("shared")) == ["docker tag IMAGE switchyard/shop/db:shared", up]
    assert lines(Step("shared"), known=("db",)) == [up]


def test_each_step_of_a_colour_names_that_colour():
    compose = "docker compose -p shop-green -f /srv/shop/releases/RELEASE/green.json"
    assert lines(Step("oneshots")) == [f"{compose} run -T --no-deps --rm --name shop-migrate-RELEASE migrate"]
    assert lines(Step("up", "green")) == [f"{compose} up -d --no-deps --no-build --scale api=3 api web"]
    assert lines(Step("start_singletons", "green")) == [f"{compose} up -d --no-deps --no-build worker"]
    assert lines(Step("switch", "green")) == ["set map /etc/edge/maps/live.map live green"]
    assert lines(Step("stop_singletons", "blue")) == ["docker stop <containers of blue>"]
    assert lines(Step("smoke", "green")) == ["make smoke"]


@pytest.mark.parametrize("step", ["prove", "prove_singletons", "look", "seen", "receive"])
def test_what_only_looks_runs_no_command(step):
    assert lines(Step(step, "green")) == []


def test_an_empty_slot_is_retired_without_a_stop():
    assert lines(Step("retire", "green")) == []
    assert lines(Step("retire", "blue")) == ["docker stop <containers of blue>"]


def test_an_edge_that_runs_is_reloaded_and_one_that_does_not_is_started():
    assert lines(Step("edge"), LIVE) == []
    first = lines(Step("edge"), Site())
    assert first[0] == "docker pull --quiet haproxy:3.0" and first[-1].endswith("edge/compose.json up -d --no-recreate")


def test_a_digest_is_of_steps_and_commands():
    steps = [("build", ["a"]), ("switch green", ["b"])]
    assert commands.digest(steps) == commands.digest([(name, tuple(argv)) for name, argv in steps])
    assert len({commands.digest(changed) for changed in (steps, steps[::-1], steps[:1], [("build", ["b"])])}) == 4


def test_what_changed_is_told_by_keys_that_hold_no_value():
    one = {"web": {"environment": {"P": "secret"}, "image": "a", "init": True}, "gone": {"image": "a"}}
    two = {"web": {"environment": {"P": "other"}, "image": "a"}, "new": {"image": "a"}}
    assert changed_keys(one, two) == {"web": ["environment", "init"]} and changed_keys(one, one) == {}


def test_a_command_that_is_cancelled_ends_with_all_that_it_started(tmp_path):
    mark = tmp_path / "child"
    began = time.monotonic()

    def tick() -> None:
        if mark.exists() and mark.read_text().strip():
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        process.run(["sh", "-c", f"sleep 60 & echo $! > {mark}; wait"], tick=tick)
    assert time.monotonic() - began < 5
    state = Path(f"/proc/{int(mark.read_text())}/stat")
    deadline = time.monotonic() + 5
    while state.exists() and state.read_text().rsplit(")", 1)[1].split()[0] != "Z":
        assert time.monotonic() < deadline


class Over:
    """An attempt that is cancelled."""

    def tick(self) -> None:
        raise Cancelled("enough")


def test_commands_side_by_side_end_with_their_attempt():
    began = time.monotonic()
    with pytest.raises(Cancelled):
        images._at_once(Over(), [partial(process.run, ["sleep", "60"])] * 2)
    assert time.monotonic() - began < 10


def test_a_command_that_takes_too_long_is_ended_and_named():
    with pytest.raises(SwitchyardError, match=r"sleep 60 … did not end within 0 s"):
        process.run(["sleep", "60"], within=0.2)


def test_a_command_s_whole_output_and_code_come_back():
    logged = []
    code, text = process.run(["sh", "-c", "seq 100000; exit 3"], check=False, log=logged.append)
    assert code == 3 and text.split()[-1] == "100000" and logged[0].endswith(text)
    with pytest.raises(SwitchyardError, match="ended with 3"):
        process.run(["sh", "-c", "exit 3"])
    with pytest.raises(NotChecked, match="no-such-program is not installed"):
        process.run(["no-such-program"])


def test_whether_a_commit_descends_is_told_as_far_as_the_repository_knows(tmp_path):
    def git(*words: str) -> str:
        done = subprocess.run(["git", "-C", str(tmp_path), *words], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    git("init", "--quiet")
    found = []
    for number in range(2):
        git("commit", "--quiet", "--allow-empty", "--message", str(number))
        found.append(git("rev-parse", "HEAD"))
    newer, older = (source.pick(tmp_path, rev, allow_dirty=False) for rev in found[::-1])
    assert source.descends(newer, found[0]) is True
    assert source.descends(older, found[1]) is False
    assert source.descends(newer, "0" * 40) is None
