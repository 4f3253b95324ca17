"""What a deploy takes in, beside what runs."""

from __future__ import annotations

from pathlib import Path

from switchyard.core.compose_document import Document
from switchyard.host.adapters.store import Store
from switchyard.host.attempt import Attempt
from switchyard.host.receive import shared_changes


def shared(volume: str) -> Document:
    """A database on a volume, and a cache on its own."""
    mounts = {"db": "pgdata", "cache": "kept"}
    services = {name: {"volumes": [{"type": "volume", "source": short}]} for name, short in mounts.items()}
    volumes = {"pgdata": {"name": volume}, "kept": {"name": "shop_kept"}}
    return Document.decode({"services": services, "volumes": volumes})


def test_another_volume_under_the_same_name_is_a_change_of_the_service_that_mounts_it(tmp_path: Path):
    attempt = Attempt(Store(tmp_path), tmp_path / "attempt", {"verb": "deploy", "app": "shop"})
    assert shared_changes(attempt, shared("shop_pgdata"), shared("shop_pgdata"), {}) == {}
    assert shared_changes(attempt, shared("shop_pgdata"), shared("empty"), {}) == {"db": ["volume pgdata"]}
