"""What the host program makes of what the engine lists."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from switchyard.core.wire.message import Json
from switchyard.host import observe
from switchyard.host.adapters.engine import Container


def container(name: str, *mounts: Json, state: str = "running", app: str | None = None) -> Container:
    labels = {} if app is None else {"switchyard.app": app}
    return Container.decode({"Names": [f"/{name}"], "State": state, "Labels": labels, "Mounts": list(mounts)})


def bound(source: Path | str, **more: Any) -> dict[str, Any]:
    return {"Type": "bind", "Source": str(source), "RW": True, **more}


def database(*mounts: dict[str, Any]) -> dict[str, Any]:
    return {"services": {"db": {"volumes": list(mounts)}}, "volumes": {"pgdata": {"name": "shop_pgdata"}}}


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
    assert observe.strangers(there, "shop", document) == [
        ("old-db-1", f"folder {folder}"),
        ("other-db-1", "volume shop_pgdata"),
    ]


def test_what_many_use_without_harm_is_in_nobody_s_way(tmp_path):
    (tmp_path / "socket").touch()
    code = {"type": "bind", "source": str(tmp_path), "read_only": True}
    document = database({"type": "bind", "source": str(tmp_path / "socket")}, code)
    there = [container("agent", bound(tmp_path / "socket"), bound(tmp_path))]
    assert observe.strangers(there, "shop", document) == []


def test_each_disk_is_told_once_and_what_is_not_here_not_at_all(tmp_path):
    found = observe.disks(str(tmp_path), str(tmp_path / "nowhere"), str(tmp_path.parent), "/dev/shm")
    assert list(found) == [str(tmp_path), "/dev/shm"] and all(free > 0 for free in found.values())


def test_services_of_which_fewer_run_than_should_are_counted_and_one_of_none_is_not_missed():
    services = {"web": {}, "api": {"deploy": {"replicas": 2}}, "worker": {}, "off": {"deploy": {"replicas": 0}}}
    wanted = observe.wanted({"services": {**services, "migrate": {}}}, services, {"web": 3})
    assert wanted == {"web": 3, "api": 2, "worker": 1, "off": 0}
    states = {"web": ["running"] * 3, "api": ["running", "exited", "restarting"]}
    there = [
        Container.decode({"State": state, "Labels": {"com.docker.compose.service": service}})
        for service, found in states.items()
        for state in found
    ]
    assert observe.lacking(there, wanted) == {"api": "1 of 2", "worker": "0 of 1"}
