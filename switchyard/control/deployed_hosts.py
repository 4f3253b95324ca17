"""The hosts that this checkout has deployed to, for a rollback without ``--host``."""

from __future__ import annotations

from pathlib import Path

from pydantic import TypeAdapter

from switchyard.control import checkout_lock
from switchyard.control.whole_file import write_whole
from switchyard.core.errors import BadInput
from switchyard.settings import load

_NAMES = TypeAdapter(list[str])


def remember_host(checkout: Path, name: str) -> None:
    """Record the host of a deploy, beside those that other deploys of this checkout record at the same time."""
    path = _file(checkout)
    with checkout_lock.hold(path.with_suffix(".lock"), "another deploy of this checkout"):
        names = sorted({*_remembered(checkout), name})
        write_whole(path, _NAMES.dump_json(names).decode())


def last_host(checkout: Path) -> str:
    """Return the only host that was deployed to. Raise ``BadInput`` with the candidates unless there is exactly one."""
    _, hosts = load.load(checkout)
    candidates = [name for name in _remembered(checkout) if name in hosts]
    if len(candidates) == 1:
        return candidates[0]
    raise BadInput("name a host with --host; candidates: " + (", ".join(candidates or sorted(hosts)) or "none"))


def _remembered(checkout: Path) -> list[str]:
    """Return the hosts on record; none where the record is damaged, and the next deploy writes it anew."""
    path = _file(checkout)
    try:
        return _NAMES.validate_json(path.read_text()) if path.exists() else []
    except ValueError:
        return []


def _file(checkout: Path) -> Path:
    return checkout / ".switchyard" / "deployed.json"
