"""Attacks on neighbours' volumes: one of another application, or one that replaced what this one uses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from switchyard.core.errors import SwitchyardError
from switchyard.host.adapters import engine, ledger
from switchyard.host.adapters.engine import Origin
from switchyard.host.adapters.ledger import Ledger
from tests.harness.attack import Attack, promises

FIRST, LATER = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"
NAMES = ("pgdata", "shop_db", "a_b_c", "media", "shared.files")


def uses(folder: Path, app: str, before: dict[str, Origin], now: dict[str, Origin]) -> bool:
    """Deploy with what there was before, and return whether the application then uses what there is now."""
    kept = Ledger(folder)
    with pytest.MonkeyPatch.context() as patch:
        try:
            patch.setattr(engine, "volume_origin", before.get)
            kept.adopt(before)
            patch.setattr(engine, "volume_origin", now.get)
            return not kept.reasons(app, now)
        except SwitchyardError:
            return False


def others(app: str, other: str, name: str) -> Callable[[Path], bool]:
    return lambda folder: uses(folder, app, {}, {name: Origin(other, FIRST)})


def own(app: str, name: str) -> Callable[[Path], bool]:
    return lambda folder: uses(folder, app, {}, {name: Origin(app, FIRST)})


def replaced(name: str, by: Origin) -> Callable[[Path], bool]:
    return lambda folder: uses(folder, "shop", {name: Origin("", FIRST)}, {name: by})


def kept(name: str) -> Callable[[Path], bool]:
    return replaced(name, Origin("", FIRST))


def damaged(data: bytes) -> Callable[[Path], bool]:
    """Make the ledger forget by damaging it."""

    def gets_through(folder: Path) -> bool:
        found = {"pgdata": Origin("", FIRST)}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(engine, "volume_origin", found.get)
            Ledger(folder).adopt(found)
        (folder / "adopted.json").write_bytes(data)
        return uses(folder, "shop", {}, {"pgdata": Origin("", LATER)})

    return gets_through


def adopted_again(folder: Path) -> bool:
    """Overwrite the record by adopting the replacement."""
    first, second = {"pgdata": Origin("", FIRST)}, {"pgdata": Origin("", LATER)}
    uses(folder, "shop", first, second)
    return uses(folder, "shop", second, second)


def trust_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ledger, "reasons", lambda *_: [])


def forget_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(path: Path, kind: type[ledger.Adopted]) -> ledger.Adopted | None:
        try:
            return kind.decode(json.loads(path.read_text()))
        except (OSError, ValueError, SwitchyardError):
            return None

    monkeypatch.setattr(ledger, "read_message", read)


MEETING = (("a", "a_b", "a_b_c"), ("a_b", "a", "a_b_c"), ("shop", "shop2", "shop_db"), ("shop", "db", "pgdata"))
DAMAGED = (b"", b"{", b"[]", b'{"v": 1, "volumes": []}', b'{"v": 2, "volumes": {}}', b"\xff")

ATTACKS = [
    *(
        Attack(f"{app} uses {name} of {other}", others(app, other, name), own(app, name), trust_all)
        for app, other, name in MEETING
    ),
    *(
        Attack(f"replace {name} by a new one", replaced(name, Origin("", LATER)), kept(name), trust_all)
        for name in NAMES
    ),
    *(
        Attack(f"replace {name} by another application's", replaced(name, Origin("blog", FIRST)), kept(name), trust_all)
        for name in NAMES
    ),
    *(
        Attack(f"damage the ledger so that it forgets: {data!r}", damaged(data), kept("pgdata"), forget_damage)
        for data in DAMAGED
    ),
    Attack("adopt the replacement over the record", adopted_again, kept("pgdata"), trust_all),
]

test_refused, test_twin, test_defence = promises(ATTACKS)
