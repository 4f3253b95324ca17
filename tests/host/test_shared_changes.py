"""Changes of shared services: what differs from what runs, and what a killed apply left open."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from switchyard.core.compose_document import Document
from switchyard.host import backup
from switchyard.host.adapters.files import write_json
from switchyard.host.adapters.store import Store
from switchyard.host.shared_changes import CUT_SHORT, changed_files, changes_to_apply, shared_changes
from tests.harness.release_record import RECORD


def shared(volume: str) -> Document:
    """Return a database on a volume, and a cache on its own."""
    mounts = {"db": "pgdata", "cache": "kept"}
    services = {name: {"volumes": [{"type": "volume", "source": short}]} for name, short in mounts.items()}
    volumes = {"pgdata": {"name": volume}, "kept": {"name": "shop_kept"}}
    return Document.decode({"services": services, "volumes": volumes})


def test_another_volume_under_the_same_name_is_a_change_of_the_service_that_mounts_it(tmp_path: Path):
    store = Store(tmp_path)
    assert shared_changes(store, shared("shop_pgdata"), shared("shop_pgdata"), {}) == {}
    assert shared_changes(store, shared("shop_pgdata"), shared("empty"), {}) == {"db": ["volume pgdata"]}


def test_another_build_of_a_shared_service_is_told_as_such(tmp_path: Path):
    before, after = (Document.decode({"services": {"db": {"x-build": digest}}}) for digest in ("1", "2"))
    assert shared_changes(Store(tmp_path), before, after, {}) == {"db": ["what its build reads"]}


def test_what_a_killed_apply_was_about_to_change_is_still_to_be_changed(tmp_path: Path):
    store = Store(tmp_path)
    store.prepare()
    for path in (store.shared / "wanted.json", store.release("R1") / "shared.json"):
        write_json(path, shared("shop_pgdata").raw)
    backup.keep(store.shared, ["cache"])
    assert changes_to_apply(store, replace(RECORD, id="R1")) == {"cache": [CUT_SHORT]}


def test_files_are_told_apart_from_keys_and_volumes():
    assert changed_files({"db": ["image", "file pg.conf", "volume pgdata"], "cache": ["file c"]}) == {"pg.conf", "c"}
