"""Attacks: an input that must not get through, its harmless twin, and the defence that stands between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Attack:
    """One attack. Each function gets a folder of its own."""

    name: str
    gets_through: Callable[[Path], bool]
    """Try the attack, and return whether it gets through. An error that refuses it is a False."""
    twin: Callable[[Path], bool]
    """Do the same harmless thing as an honest user, and return whether it works."""
    remove_defence: Callable[[pytest.MonkeyPatch], None]
    """Replace the defence by nothing. Then the attack gets through, or it proves nothing."""


def promises(attacks: Sequence[Attack]) -> tuple[Callable[..., None], Callable[..., None], Callable[..., None]]:
    """Return three parametrised tests: each attack is refused, its twin works, and the defence is what refuses it."""
    names = [attack.name for attack in attacks]
    assert len(set(names)) == len(names), "two attacks have one name"
    each = pytest.mark.parametrize("attack", attacks, ids=names)

    @each
    def refused(attack: Attack, tmp_path: Path) -> None:
        assert not attack.gets_through(tmp_path)

    @each
    def twin(attack: Attack, tmp_path: Path) -> None:
        assert attack.twin(tmp_path)

    @each
    def defence(attack: Attack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        attack.remove_defence(monkeypatch)
        assert attack.gets_through(tmp_path)

    return refused, twin, defence
