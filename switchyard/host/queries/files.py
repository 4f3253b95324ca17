"""``files``: who may do what with files of this host."""

from __future__ import annotations

from pathlib import Path

from switchyard.core.wire.answers import Files
from switchyard.core.wire.request import Request
from switchyard.host.adapters.store import Store
from switchyard.host.rights import rights


def files(store: Store, request: Request) -> Files:
    """Return the rights of the files that predeploy names, and nothing of what is in them."""
    return Files({path: rights(store.root / Path(path).expanduser()) for path in request.paths})
