"""What is secret of a release: its values, and what its services mount as secrets."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from switchyard.core.compose_document import Document
from switchyard.core.errors import SwitchyardError
from switchyard.core.secrecy import names_of
from switchyard.core.wire.release import KnownSecrets, Pack
from switchyard.host.adapters.files import read_document, read_message, read_texts, write_json

FILE = "secrets.json"
FORMER = "values.json"
"""Every value of the env, secret or not, as an older Switchyard wrote it and still reads it."""
FORMER_LEAST = 6
"""Characters of the shortest value that an older Switchyard removed."""
FILE_MOST = 1 << 20
"""Bytes of the largest secret's file that is read."""


class ReleaseSecrets(NamedTuple):
    """The secrets of one release, as far as they can be read."""

    values: tuple[str, ...]
    names: tuple[str, ...]
    """Names that are no secrets, though a secret may be a part of one."""
    withheld: Mapping[str, str]
    """Service to why its output must not be shown: one of its secrets cannot be read, and so not removed."""


def keep(folder: Path, pack: Pack) -> None:
    """Write down what is secret of a release."""
    documents = map(Document.decode, (*pack.colours.values(), pack.shared))
    names = tuple(sorted(names_of(Document.decode(pack.compose))))
    known = KnownSecrets(pack.values, names, _files(documents))
    write_json(folder / FILE, known.encode())
    write_json(folder / FORMER, pack.values)


def read(folder: Path) -> ReleaseSecrets:
    """Return what is secret of the release in a folder."""
    known = read_message(folder / FILE, KnownSecrets) or _of_older(folder)
    values, withheld = [*known.values], dict[str, str]()
    for path, services in known.files.items():
        try:
            values.append(_content(Path(path)))
        except SwitchyardError as error:
            withheld |= dict.fromkeys(services, str(error))
    return ReleaseSecrets(tuple(values), known.names, withheld)


def _of_older(folder: Path) -> KnownSecrets:
    """Return what an older Switchyard left of the secrets of a release."""
    values = (value for value in read_texts(folder / FORMER) if len(value) >= FORMER_LEAST)
    documents = [read_document(folder / f"{part}.json") for part in ("blue", "shared")]
    return KnownSecrets(tuple(values), tuple(names_of(read_document(folder / "compose.json"))), _files(documents))


def _files(documents: Iterable[Document]) -> dict[str, tuple[str, ...]]:
    """Return the file of each secret, with the services that mount it."""
    files: dict[str, set[str]] = {}
    for document in documents:
        for key, secret in document.secrets.items():
            if secret.file:
                users = {name for name, one in document.services.items() if any(key == g.source for g in one.secrets)}
                files[secret.file] = files.get(secret.file, set()) | users
    return {path: tuple(sorted(services)) for path, services in sorted(files.items())}


def _content(path: Path) -> str:
    """Return what a secret's file holds; bytes that are no text as ``surrogateescape`` writes them."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise SwitchyardError(f"its secret {path} is no file")
            data = file.read(FILE_MOST + 1)
    except OSError as error:
        raise SwitchyardError(f"its secret {path} cannot be read by the SSH user: {error.strerror}") from None
    if len(data) > FILE_MOST:
        raise SwitchyardError(f"its secret {path} has more than {FILE_MOST >> 20} MiB")
    return data.decode("utf-8", "surrogateescape")
