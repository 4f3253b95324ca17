"""Attempts for tests, each in a folder of its own."""

from __future__ import annotations

import json

from switchyard.core.wire.message import Json
from switchyard.core.wire.request import Request, Word
from switchyard.host.adapters.store import Store
from switchyard.host.attempt import Attempt


def begin_attempt(
    store: Store, name: str = "one", verb: str = "deploy", *, app: str = "web", **fields: str | bool | int
) -> Attempt:
    """Return an attempt that has not taken the lease yet."""
    folder = store.attempts / name
    folder.mkdir(exist_ok=True)
    request: dict[str, Json] = {
        "v": 1,
        "verb": verb,
        "app": app,
        "root": str(store.root),
        "attempt": name,
        "who": f"{name}@desk",
    }
    return Attempt(store, folder, Request.decode({**request, **fields}))


def say(attempt: Attempt, *words: Word) -> None:
    """Let the control node say words to an attempt."""
    with open(attempt.folder / "said.jsonl", "a") as file:
        file.writelines(json.dumps(word.encode()) + "\n" for word in words)


def led_astray(store: Store) -> dict[str, Json]:
    """Put a link in the place of a folder under ``data/``, as a container may, and return a service that mounts it."""
    link = store.root / "data" / "up"
    link.parent.mkdir(exist_ok=True)
    link.symlink_to("/etc")
    return {"image": "x", "volumes": [{"type": "bind", "source": str(link), "target": "/up"}]}
