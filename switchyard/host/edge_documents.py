"""The edge's documents: a draft until the edge that they describe is proven, and published after that.

What is published is what the edge is computed from. A draft is never copied back: it is finished or deleted.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from switchyard.core.held_routes import HeldRoute
from switchyard.core.wire.message import Json
from switchyard.host.adapters.files import write_json

ROUTES = "routes.json"
"""The addresses that the edge holds. It is published first: from then on the draft counts."""
DOCUMENTS = (ROUTES, "previews.json", "compose.json")


def draft(home: Path, addresses: Sequence[HeldRoute], previews: Mapping[str, int], document: Json) -> Path:
    """Write the documents of an edge beside those that are published. Return the path of its Compose document."""
    folder = _fresh_draft(home)
    write_json(folder / "compose.json", document)
    write_json(folder / "previews.json", dict(previews))
    write_json(folder / ROUTES, [address.encode() for address in addresses])
    return folder / "compose.json"


def publish(home: Path) -> None:
    """Publish the draft, or what a killed program left to publish of it."""
    for name in DOCUMENTS:
        if (_draft(home) / name).exists():
            os.replace(_draft(home) / name, home / name)
    _fresh_draft(home)


def discard(home: Path) -> None:
    """Delete the draft; publish it where it counts already."""
    if _draft(home).exists() and not is_drafted(home):
        publish(home)
    _fresh_draft(home)


def is_drafted(home: Path) -> bool:
    """Return whether the edge that runs may be that of a draft, and no more the published one."""
    return (home / ROUTES).exists() and (_draft(home) / ROUTES).exists()


def _draft(home: Path) -> Path:
    return home / "draft"


def _fresh_draft(home: Path) -> Path:
    """Return the folder of a draft, and delete what is there."""
    shutil.rmtree(_draft(home), ignore_errors=True)
    return _draft(home)
