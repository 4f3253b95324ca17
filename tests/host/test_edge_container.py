"""The edge's container on this host: what a published document lacks, and whose socket it is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from switchyard.core.app import Route
from switchyard.core.edge import preview_names
from switchyard.core.held_routes import held_for
from switchyard.host import edge_documents
from switchyard.host.adapters.store import Store
from switchyard.host.edge_container import document, give_folders, lacks

HELD = held_for([Route("web", 80, 8080)], 1)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "root")
    store.prepare()
    return store


def publish(store: Store, *missing: str) -> None:
    previews = {name: 20000 + number for number, name in enumerate(preview_names(HELD))}
    made = document(store.edge, "shop", HELD, previews, "sha256:abc")
    service = made["services"]["edge"]  # type: ignore[index,call-overload]
    for key in missing:
        del service[key]
    edge_documents.draft(store.edge, HELD, previews, made)
    edge_documents.publish(store.edge)


def test_an_edge_lacks_what_its_published_document_lacks(store: Store) -> None:
    assert lacks(store, "shop") == (), "there is no edge"
    publish(store)
    assert lacks(store, "shop") == ()
    publish(store, "read_only", "cap_drop")
    assert lacks(store, "shop") == ("read_only", "cap_drop")


@pytest.mark.parametrize(("uid", "user"), [(1000, "1000:1000"), (0, "65534:65534")])
def test_an_edge_of_root_runs_as_nobody_and_owns_the_folder_of_its_socket(store, monkeypatch, uid, user) -> None:
    chowned: list[tuple[str, int]] = []
    monkeypatch.setattr(os, "getuid", lambda: uid)
    monkeypatch.setattr(os, "getgid", lambda: uid)
    monkeypatch.setattr(os, "chown", lambda path, owner, group: chowned.append((path.name, owner)))
    give_folders(store.edge)
    assert (
        document(store.edge, "shop", HELD, dict.fromkeys(preview_names(HELD), 1), "")["services"]["edge"]["user"]
        == user
    )
    assert chowned == ([] if uid else [("run", 65534)])
