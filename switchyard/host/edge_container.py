"""The edge's container on this host: its document as it would be made today, beside the one that is published."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from switchyard.core import edge, edge_container
from switchyard.core.held_routes import HeldRoute
from switchyard.core.wire.message import Json
from switchyard.host.adapters import engine
from switchyard.host.adapters.files import read_json
from switchyard.host.adapters.store import Store

SOCKETS = "run"
"""The folder that only the edge and the SSH user enter."""


def document(
    home: Path, app: str, addresses: Sequence[HeldRoute], previews: Mapping[str, int], image: str
) -> dict[str, Json]:
    """Return the document of an edge that is created now."""
    user = edge_container.user(os.getuid())
    group = os.getgid() if user == os.getuid() else user
    places = {"home": str(home), "user": f"{user}:{group}", "image": image, "engine": engine.version() or ""}
    return edge.document(app, addresses, previews, **places)


def give_folders(home: Path) -> None:
    """Give the edge the folder of its socket where it does not run as the SSH user, which is root there."""
    user = edge_container.user(os.getuid())
    if user != os.getuid():
        (home / SOCKETS).mkdir(mode=0o700, exist_ok=True)
        os.chown(home / SOCKETS, user, user)


def lacks(store: Store, app: str) -> tuple[str, ...]:
    """Return what the edge of this host lacks of one that is created now; nothing where there is none."""
    published, addresses = read_json(store.edge / "compose.json"), store.held_addresses()
    if published is None or addresses is None:
        return ()
    previews = dict.fromkeys(edge.preview_names(addresses), 0)
    return edge_container.lacking(published, document(store.edge, app, addresses, previews, ""))
