"""Who else mounts what an application writes to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from switchyard.core.compose_document import Document
from switchyard.core.wire.message import Json
from switchyard.host.adapters import engine
from switchyard.host.adapters.container import Container
from switchyard.host.neighbours import exclusive_twins, shared_twins, strangers
from tests.harness.release_record import RECORD


def container(name: str, *mounts: Json, state: str = "running", app: str | None = None) -> Container:
    labels = {} if app is None else {"switchyard.app": app}
    return Container.decode({"Names": [f"/{name}"], "State": state, "Labels": labels, "Mounts": list(mounts)})


def bound(source: Path | str, **more: Json) -> dict[str, Json]:
    return {"Type": "bind", "Source": str(source), "RW": True, **more}


def database(*mounts: Json) -> Document:
    volumes = {"pgdata": {"name": "shop_pgdata"}}
    return Document.decode({"services": {"db": {"volumes": list(mounts)}}, "volumes": volumes})


def test_who_else_writes_to_a_shared_service_s_volume_or_folder_is_found_also_behind_a_link(tmp_path):
    folder, link = tmp_path / "pg", tmp_path / "link"
    folder.mkdir()
    link.symlink_to(folder)
    document = database({"type": "bind", "source": str(link)}, {"type": "volume", "source": "pgdata"})
    there = [
        container("old-db-1", bound(folder)),
        container("other-db-1", {"Type": "volume", "Name": "shop_pgdata", "Source": "/elsewhere", "RW": True}),
        container("stopped", bound(folder), state="exited"),
        container("own", bound(folder), app="shop"),
        container("reads", bound(folder, RW=False)),
        container("beside", bound(tmp_path)),
    ]
    assert strangers(there, "shop", document) == [
        ("old-db-1", f"folder {folder}"),
        ("other-db-1", "volume shop_pgdata"),
    ]


def test_what_many_use_without_harm_is_in_nobody_s_way(tmp_path):
    (tmp_path / "socket").touch()
    code = {"type": "bind", "source": str(tmp_path), "read_only": True}
    document = database({"type": "bind", "source": str(tmp_path / "socket")}, code)
    there = [container("agent", bound(tmp_path / "socket"), bound(tmp_path))]
    assert strangers(there, "shop", document) == []


def own(service: str, kind: str, colour: str | None = None, state: str = "running") -> Container:
    labels = {"switchyard.app": "shop", "switchyard.kind": kind, "com.docker.compose.service": service}
    labels |= {"switchyard.colour": colour} if colour else {}
    mount = {"Type": "volume", "Name": "shop_pgdata", "Source": "/elsewhere", "RW": True}
    name = f"shop-{colour or 'shared'}-{service}-1"
    return Container.decode({"Names": [f"/{name}"], "State": state, "Labels": labels, "Mounts": [mount]})


@pytest.mark.parametrize("kind", ["routed", "plain", "handover"])
def test_a_service_that_becomes_shared_must_not_run_in_a_colour_on_the_same_state(kind):
    document = database({"type": "volume", "source": "pgdata"})
    assert strangers([own("db", kind, "blue")], "shop", document) == [("shop-blue-db-1", "volume shop_pgdata")]
    beside = [own("backup", kind, "blue"), own("db", kind, "blue", state="exited"), own("db", "shared")]
    assert strangers(beside, "shop", document) == []


def test_a_service_that_is_shared_must_not_run_in_a_colour_too(monkeypatch):
    there = [own("db", "shared"), own("backup", "shared"), own("db", "handover", "green")]
    monkeypatch.setattr(engine, "containers", lambda *_: there)
    (reason,) = shared_twins("shop", database({"type": "volume", "source": "pgdata"}))
    assert reason.startswith("db runs as a shared service, and this release would run a second one on the same volume")
    assert "app.kinds.db: shared" in reason and "inv shared.apply" in reason
    assert shared_twins("shop", Document.decode({})) == []


def test_what_must_run_alone_does_not_start_beside_a_live_release_that_runs_it_side_by_side():
    app = replace(RECORD.app, kinds={"git": "exclusive"})
    sole = replace(RECORD, id="R2", app=app, front=("web",), handover=("git",))
    routed = replace(RECORD, kinds={"git": "routed"}, front=("git", "web"), handover=())
    (reason,) = exclusive_twins(routed, sole)
    assert reason.startswith("git is exclusive in R2, and R1 runs it as routed") and "app.kinds.git: ignored" in reason
    assert exclusive_twins(sole, sole) == exclusive_twins(None, sole) == exclusive_twins(sole, routed) == []
