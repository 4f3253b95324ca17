"""The real paths of a host, and what it is to the application."""

from __future__ import annotations

from switchyard.core.wire.request import Request
from switchyard.host.queries.places import places


def test_paths_are_answered_with_where_they_lead(store, fake_engine, tmp_path):
    fake_engine.know("/info", {"DockerRootDir": "/var/lib/docker"})
    (tmp_path / "link").symlink_to("/etc")
    paths = (f"{tmp_path}/link/x", f"{tmp_path}/gone")
    answer = places(store, Request("places", "shop", str(store.root), paths=paths))
    assert answer.real == {paths[0]: "/etc/x", paths[1]: paths[1]}
    assert answer.place.root == str(store.root) and "/var/lib/docker" in answer.place.engine
