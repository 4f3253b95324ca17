"""What a build leaves as it is, what it refuses, and its checks: side by side, and none outlives its attempt."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from switchyard.core.app import App
from switchyard.core.errors import Refused, SwitchyardError
from switchyard.core.wire.request import Word
from switchyard.host.adapters import engine, process
from switchyard.host.adapters.files import write_json
from switchyard.host.adapters.store import Store
from switchyard.host.attempt import Attempt
from switchyard.host.inbox import Cancelled
from switchyard.host.steps import build as module
from switchyard.host.steps.build import build, run_checks
from tests.harness.attempts import begin_attempt, say
from tests.harness.release_record import RECORD


@pytest.fixture
def attempt(tmp_path: Path) -> Attempt:
    store = Store(tmp_path / "root")
    store.prepare()
    attempt = begin_attempt(store)
    attempt.lease.number = store.lease.take("one", "deploy", "me@here").number
    return attempt


def test_what_checks_a_build_ends_with_the_attempt(attempt):
    say(attempt, Word("cancel"))
    began = time.monotonic()
    with pytest.raises(Cancelled):
        run_checks([partial(process.run, ["sleep", "60"])] * 40, attempt.tick)
    assert time.monotonic() - began < 30


def cancel() -> None:
    raise Cancelled("enough")


def test_commands_side_by_side_end_with_their_attempt():
    began = time.monotonic()
    with pytest.raises(Cancelled):
        run_checks([partial(process.run, ["sleep", "60"])] * 2, cancel)
    assert time.monotonic() - began < 10


def test_the_first_check_that_fails_fails_the_build():
    with pytest.raises(SwitchyardError, match="ended with 3"):
        run_checks([partial(process.run, ["true"]), partial(process.run, ["sh", "-c", "exit 3"])], lambda: None)


class Built:
    """A release of a web service and of a database, both of which are built."""

    def __init__(self, attempt: Attempt, monkeypatch: pytest.MonkeyPatch, **record: Any) -> None:
        self.attempt, self.lines, self.volumes = attempt, [], ()
        store = attempt.store
        kinds = {"web": "routed", "db": "shared"}
        store.releases.write(replace(RECORD, **{"app": App("shop"), "kinds": kinds, "shared": ("db",), **record}))
        attempt.wanted.id = "R1"
        services = {name: {"image": f"switchyard/shop/{name}:R1", "build": {"context": "."}} for name in kinds}
        write_json(store.release("R1") / "build.json", {"services": services})
        for colour in ("blue", "green"):
            write_json(store.release("R1") / f"{colour}.json", {"services": {"web": {"tmpfs": ["/run"]}}})
        monkeypatch.setattr(attempt.commands, "run", lambda argv, **_: self.lines.append(" ".join(argv)))
        monkeypatch.setattr(engine, "image_id", lambda name: name if name.startswith("sha256:") else f"sha256:{name}")
        monkeypatch.setattr(engine, "image_labels", lambda name: {})
        monkeypatch.setattr(engine, "image_volumes", lambda name: self.volumes if "web" in name else ("/data",))
        monkeypatch.setattr(module, "run_checks", lambda checks, tick: None)

    def images(self) -> Any:
        build(self.attempt, "")
        return self.attempt.store.releases.require("R1").images


def test_a_shared_service_is_built_once(attempt, monkeypatch):
    release = Built(attempt, monkeypatch)
    assert release.images()["db"] == "sha256:switchyard/shop/db:R1"
    assert release.lines == [release.lines[0]] and release.lines[0].endswith("build.json build")
    write_json(attempt.store.shared / "compose.json", {"services": {"db": {"image": "sha256:one"}}})
    release.lines.clear()
    assert release.images() == {"web": "sha256:switchyard/shop/web:R1", "db": "sha256:one"}
    assert release.lines[0] == "docker tag sha256:one switchyard/shop/db:R1"
    assert release.lines[1].endswith("build.json build web")


def test_an_apply_of_shared_services_builds_them_again(tmp_path, monkeypatch):
    store = Store(tmp_path / "root")
    store.prepare()
    attempt = begin_attempt(store, verb="shared.apply", app="shop")
    write_json(store.shared / "compose.json", {"services": {"db": {"image": "sha256:one"}}})
    assert Built(attempt, monkeypatch).images()["db"] == "sha256:switchyard/shop/db:R1"


@pytest.mark.parametrize("fails", [False, True])
def test_the_secrets_of_a_build_are_gone_once_it_ended_however_it_did(attempt, monkeypatch, fails):
    release = Built(attempt, monkeypatch)
    secrets = attempt.store.build_secrets("R1")
    secrets.mkdir()

    def run(argv: list[str], **_: Any) -> None:
        if "build" in argv:
            assert secrets.is_dir()
            if fails:
                raise SwitchyardError("ended with 1")

    monkeypatch.setattr(attempt.commands, "run", run)
    if fails:
        with pytest.raises(SwitchyardError):
            release.images()
    else:
        release.images()
    assert not secrets.exists()


@pytest.mark.parametrize("kind,asks", [("routed", True), ("plain", True), ("handover", True), ("oneshot", False)])
def test_a_volume_that_only_the_built_image_tells_of_is_refused_unless_it_is_named(attempt, monkeypatch, kind, asks):
    release = Built(attempt, monkeypatch, kinds={"web": kind, "db": "shared"})
    release.volumes = ("/run", "/srv/uploads")
    if asks:
        with pytest.raises(Refused, match=r"service web: /srv/uploads is .*web:/srv/uploads\": volume"):
            release.images()
    kept = App("shop", data={"web:/srv/uploads": "discard"})
    assert "web" in Built(attempt, monkeypatch, app=kept, kinds={"web": kind, "db": "shared"}).images()
