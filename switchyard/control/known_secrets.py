"""What is secret of a host's env: decided once, and hidden from then on."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from switchyard.control import terminal
from switchyard.core.compose_document import Document
from switchyard.core.secrecy import document_secrets, names_of, secret_values


def decide(
    env: Iterable[Mapping[str, str]], document: Document | None, folder: Path, *, public: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """Return the secrets of an env and of the Compose document that it fills in. No terminal shows them from now on.

    ``env``: its variables, and those of each env file beside it. ``folder``: where relative paths start. ``public``:
    keys that the control node's settings call public.
    """
    names = names_of(document) if document is not None else set()
    is_path = functools.partial(exists, folder)
    values = []
    for variables in env:
        values += secret_values(variables, public=public, names=names, is_path=is_path)
    values += document_secrets(document) if document is not None else []
    terminal.hide(values, names)
    return tuple(sorted({*values}))


def exists(folder: Path, value: str) -> bool:
    """Return whether a value is a path of this machine, or of the folder."""
    return value.strip() not in ("", ".") and os.path.lexists(folder / os.path.expanduser(value))
