"""The hosts that this checkout has deployed to, for a rollback without ``--host``."""

from __future__ import annotations

from pathlib import Path

from pydantic import TypeAdapter

from switchyard.core.errors import BadInput
from switchyard.settings import load

_NAMES = TypeAdapter(list[str])


def remember_host(checkout: Path, name: str) -> None:
    """Record the host of a deploy."""
    path = _file(checkout)
    path.parent.mkdir(exist_ok=True, mode=0o700)
    names = sorted({*_remembered(checkout), name})
    path.write_bytes(_NAMES.dump_json(names))


def last_host(checkout: Path) -> str:
    """Return the only host that was deployed to. Raise ``BadInput`` with the candidates unless there is exactly one."""
    _, hosts = load.load(checkout)
    candidates = [name for name in _remembered(checkout) if name in hosts]
    if len(candidates) == 1:
        return candidates[0]
    raise BadInput("name a host with --host; candidates: " + (", ".join(candidates or sorted(hosts)) or "none"))


def _remembered(checkout: Path) -> list[str]:
    path = _file(checkout)
    return _NAMES.validate_json(path.read_text()) if path.exists() else []


def _file(checkout: Path) -> Path:
    return checkout / ".switchyard" / "deployed.json"
