"""Files that are written whole or not at all, and JSON in them."""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias, TypeVar

from switchyard.core.compose_document import Document
from switchyard.core.errors import SwitchyardError
from switchyard.core.wire import json_text
from switchyard.core.wire.message import Json, Message, WireError

M = TypeVar("M", bound=Message)
Version: TypeAlias = "tuple[int, int, int]"
"""A file's inode, its time in ns, and its size in bytes."""


REPAIR = "Repair the file or move it away, then run the command again"
LARGEST = 64 << 20
"""Bytes of the largest file that is read whole."""


class DamagedFile(SwitchyardError):
    """A file of ours that cannot be read as what it should be."""

    def __init__(self, path: Path, why: str, remedy: str = REPAIR) -> None:
        super().__init__(f"{path} is damaged: {why}. {remedy}")
        self.path, self.why = path, why


def write(path: Path, text: str, mode: int = 0o600) -> None:
    """Write a file whole or not at all: under another name first, synced, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        part.unlink(missing_ok=True)  # of a killed process that had this number, or somebody's link
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY)
    os.fsync(directory)
    os.close(directory)


def renew(path: Path, text: str, mode: int = 0o600) -> bool:
    """Write a file unless it has this text. Return whether it had not."""
    has_changed = read_text(path) != text
    if has_changed:
        write(path, text, mode)
    return has_changed


def version(path: Path) -> Version | None:
    """Return what tells this content of a file from others, for a cache; None where there is no file.

    ``write`` renames a new file into place, so another content has another inode, time, or size.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def put_aside(path: Path) -> str:
    """Rename what stands at a path, so that something new can stand there. Return its new name."""
    for number in itertools.count(1):
        aside = path.with_name(f"{path.name}.broken-{number}")
        if not os.path.lexists(aside):
            path.rename(aside)
            return aside.name
    raise AssertionError("there is always another number")


def append(path: Path, text: str) -> None:
    """Append to a file, all of the text or none of it."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb", buffering=0) as file:
        size, data = file.seek(0, os.SEEK_END), text.encode()
        try:
            while data:
                data = data[file.write(data) :]
        except BaseException:
            file.truncate(size)
            raise


def link(path: Path, target: str) -> None:
    """Point a symbolic link elsewhere, from one moment to the next."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        part.unlink()
    part.symlink_to(target)
    os.replace(part, path)


def write_json(path: Path, value: Json) -> None:
    """Write a JSON file, whole or not at all, that only its owner may read."""
    write(path, json.dumps(value, indent=1, sort_keys=True) + "\n")


def read_bytes(path: Path) -> bytes | None:
    """Return the content of a file; None where there is no file. Raise ``DamagedFile`` for what is no file of ours.

    A device or a pipe is never read, and nothing larger than ``LARGEST``.
    """
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise DamagedFile(path, "it is no file")
            content = file.read(LARGEST + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise DamagedFile(path, str(error.strerror)) from None
    if len(content) > LARGEST:
        raise DamagedFile(path, f"it has more than {LARGEST >> 20} MiB")
    return content


def read_text(path: Path) -> str | None:
    """Return the text of a file; None where there is no file. Raise ``DamagedFile`` where it holds no text."""
    content = read_bytes(path)
    try:
        return None if content is None else content.decode()
    except UnicodeDecodeError:
        raise DamagedFile(path, "it holds no text") from None


def read_number(path: Path) -> int | None:
    """Return the whole number that a file holds; None where there is no file."""
    text = read_text(path)
    if text is not None and not (text.strip().isdecimal() and len(text) < 20):
        raise DamagedFile(path, "it holds no number")
    return None if text is None else int(text)


def read_json(path: Path) -> Json:
    """Return the value of a JSON file; None where there is no file. Raise ``DamagedFile`` where it holds no JSON."""
    text = read_text(path)
    try:
        return None if text is None else json_text.parse(text)
    except ValueError as error:
        raise DamagedFile(path, str(error)) from None


def read_object(path: Path) -> Mapping[str, Json]:
    """Return the object that a JSON file holds; an empty one where there is no file."""
    value = read_json(path)
    if value is not None and not isinstance(value, Mapping):
        raise DamagedFile(path, "it holds no object")
    return value or {}


def read_list(path: Path) -> Sequence[Json] | None:
    """Return the list that a JSON file holds; None where there is no file."""
    value = read_json(path)
    if value is not None and not isinstance(value, list):
        raise DamagedFile(path, "it holds no list")
    return value


def read_texts(path: Path) -> list[str]:
    """Return the texts that a JSON file lists; none where there is no file."""
    return [str(item) for item in read_list(path) or ()]


def read_numbers(path: Path) -> dict[str, int]:
    """Return the whole numbers that a JSON file names; none where there is no file."""
    numbers = read_object(path)
    if any(not isinstance(item, int) or isinstance(item, bool) for item in numbers.values()):
        raise DamagedFile(path, "expected whole numbers")
    return {name: item for name, item in numbers.items() if isinstance(item, int)}


def read_words(path: Path) -> dict[str, str]:
    """Return the texts that a JSON file names; none where there is no file."""
    return {name: str(item) for name, item in read_object(path).items()}


def read_message(path: Path, kind: type[M]) -> M | None:
    """Return the message that a JSON file holds; None where there is no file."""
    value = read_json(path)
    return None if value is None else decode(path, kind, value)


def decode(path: Path, kind: type[M], value: Json) -> M:
    """Build the message that was read from a file. Raise ``DamagedFile`` with the path of what is wrong in it."""
    try:
        return kind.decode(value)
    except WireError as error:
        raise DamagedFile(path, str(error)) from None


def read_document(path: Path) -> Document:
    """Return the Compose document of a file; one without services where there is no file."""
    return _document(path, version(path))


@functools.lru_cache(maxsize=16)
def _document(path: Path, version: Version | None) -> Document:
    try:
        return Document.decode(read_json(path))
    except WireError as error:
        raise DamagedFile(path, str(error)) from None
