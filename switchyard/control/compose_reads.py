"""What Compose reads while it resolves a document: files of the commit alone, whatever the commit says."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from switchyard.control.commit_files import LEADS_OUT
from switchyard.control.compose_paths import Places
from switchyard.core.errors import BadInput
from switchyard.core.wire.message import Json
from switchyard.settings.yaml_file import documents_of, line_of

FILES_MOST = 200
"""Compose files that one may lead to."""
NOTHING = "/dev/null"
"""What the env file of an include is where it should have none."""
MOUNTED = "mounted"
"""What Compose does not read, but makes absolute on this machine."""
_SCP = re.compile(r"[^/]*@[^/]*:")
"""How the address of a repository begins that git reaches by SSH."""
Fill = Callable[[Sequence[str], Sequence[Path]], Sequence[str]]
"""Fills in the variables of texts, with env files of the commit that count less than the host's env."""


@dataclass(frozen=True)
class ComposeFile:
    """A compose file that Compose reads, because another one names it."""

    path: Path
    base: Path
    """The folder that its paths start from."""
    env_files: tuple[Path, ...] = ()


class Reference(NamedTuple):
    """A file that a compose file names."""

    at: tuple[str, ...]
    text: str
    key: str


def refuse_outside(places: Places, fill: Fill) -> None:
    """Raise ``BadInput`` with every file that Compose would read and that is not in the export of the commit."""
    file = places.folder / places.app.compose
    reader = _Reader(places, fill)
    reader.read(ComposeFile(file, places.project, reader.own_env(places.project)), lambda: "app.compose")
    if reader.problems:
        raise BadInput("\n".join(dict.fromkeys(reader.problems)))


def leads_out(path: Path, exported: Path) -> bool:
    """Return whether a path is outside of an export, by itself or through a link."""
    real = Path(os.path.realpath(path))
    return not real.is_relative_to(os.path.realpath(exported)) or os.fsdecode(LEADS_OUT) in real.parts


class _Reader:
    def __init__(self, places: Places, fill: Fill) -> None:
        self._places = places
        self._fill = fill
        self._read: set[ComposeFile] = set()
        self.problems: list[str] = []

    def own_env(self, folder: Path) -> tuple[Path, ...]:
        """Return the ``.env`` of a folder, which Compose reads unasked."""
        file = folder / ".env"
        if os.path.islink(file) and leads_out(file, self._places.exported):
            self.problems.append(
                f"{self._named(file)}: it leads out of the commit. Commit the file itself, or delete it"
            )
            return ()
        return (file,) if file.is_file() else ()

    def read(self, file: ComposeFile, where: Callable[[], str]) -> None:
        """Look at what a compose file names, and at the compose files among that. ``where`` says what names it."""
        if file in self._read:
            return
        self._read.add(file)
        if leads_out(file.path, self._places.exported):
            self.problems.append(f"{where()}: {self._named(file.path)} leads out of the commit. Commit the file itself")
        elif len(self._read) > FILES_MOST:
            raise BadInput(f"{self._places.app.compose}: it leads to more than {FILES_MOST} compose files")
        elif file.path.is_file():
            for document in documents_of(file.path, self._named(file.path)):
                self._read_document(document, file)

    def _read_document(self, document: Json, file: ComposeFile) -> None:
        references = [*_references(document)]
        texts = [reference.text for reference in references]
        if any("$" in text for text in texts):
            texts = [*self._fill(texts, file.env_files)]
        filled = [reference._replace(text=text) for reference, text in zip(references, texts, strict=True)]
        inside = [reference for reference in filled if reference.text and self._is_inside(reference, file)]
        for reference in inside:
            if reference.key == "extends":
                path = file.base / reference.text
                self.read(ComposeFile(path, path.parent, file.env_files), partial(self._where, reference, file))
        included: dict[str, list[Reference]] = {}
        for reference in inside:
            if reference.at[0] == "include":
                included.setdefault(reference.at[1], []).append(reference)
        for references in included.values():
            self._include(references, file)

    def _include(self, references: Sequence[Reference], file: ComposeFile) -> None:
        """Read what one entry of ``include`` names, from the folder that it names, or that of its first file."""
        paths = [reference for reference in references if reference.key == "path"]
        folders = [file.base / reference.text for reference in references if reference.key == "project_directory"]
        env_files = [file.base / reference.text for reference in references if reference.key == "env_file"]
        for path in paths:
            base = folders[0] if folders else (file.base / paths[0].text).parent
            env = tuple(each for each in env_files if each.is_file()) if env_files else self.own_env(base)
            self.read(
                ComposeFile(file.base / path.text, base, (*env, *file.env_files)), partial(self._where, path, file)
            )

    def _is_inside(self, reference: Reference, file: ComposeFile) -> bool:
        """Return whether a reference is to something of the commit; note it where it is not."""
        text, is_compose_file = reference.text, reference.key in ("path", "extends")
        if reference.key == MOUNTED:
            self._judge_mounted(reference, file)
            return False
        if text == NOTHING and reference.key == "env_file":
            return True
        if is_compose_file and _is_remote(text):
            self.problems.append(
                f"{self._where(reference, file)}: {text} is not in the commit. Commit a copy of it, and name that"
            )
        elif text.startswith("~") or leads_out(file.base / text, self._places.exported):
            hint = "Commit the file itself"
            if reference.key == "env_file":
                checkout = f"hosts: {{NAME: {{env: {{files: [{text}]}}}}}}"
                hint += f", or delete the line and name the file in the checkout's invoke.yaml: {checkout}"
            self.problems.append(
                f"{self._where(reference, file)}: {text} leads out of the commit, and only files of the commit are "
                f"read. {hint}"
            )
        else:
            return True
        return False

    def _judge_mounted(self, reference: Reference, file: ComposeFile) -> None:
        """Note a relative path, of a mount in its short form too, that Compose would make one of this machine."""
        path, exported = reference.text.partition(":")[0], self._places.exported
        place = Path(os.path.normpath(file.base / path))
        if path.startswith((".", str(exported))) and not place.is_relative_to(exported):
            self.problems.append(
                f"{self._where(reference, file)}: {path} lies outside the repository, which is nowhere on the host. "
                "Write the absolute path that it has there"
            )

    def _where(self, reference: Reference, file: ComposeFile) -> str:
        return f"{self._named(file.path)}{_line(file.path, reference.at)}: {'.'.join(reference.at)}"

    def _named(self, path: Path) -> str:
        return os.path.relpath(path, self._places.folder)


def _is_remote(text: str) -> bool:
    """Return whether Compose could fetch a compose file from elsewhere, whatever its version."""
    return "://" in text or text.startswith(("git@", "oci:", "github.com/")) or bool(_SCP.match(text))


def _references(document: Json) -> Iterator[Reference]:
    """Yield the files that a document names and Compose reads."""
    if not isinstance(document, Mapping):
        return
    for name, service in _items(document.get("services")):
        if not isinstance(service, Mapping):
            continue
        for key in ("env_file", "label_file"):
            for number, entry in enumerate(_each(service.get(key))):
                path = entry.get("path") if isinstance(entry, Mapping) else entry
                yield Reference(("services", name, key, str(number)), _text(path), key)
        for number, entry in enumerate(_each(service.get("volumes"))):
            source = entry.get("source") if isinstance(entry, Mapping) else entry
            yield Reference(("services", name, "volumes", str(number)), _text(source), MOUNTED)
        extends = service.get("extends")
        if isinstance(extends, Mapping):
            yield Reference(("services", name, "extends", "file"), _text(extends.get("file")), "extends")
    for part in ("secrets", "configs"):
        for name, resource in _items(document.get(part)):
            path = _text(resource.get("file")) if isinstance(resource, Mapping) else ""
            text = path if path.startswith(("/", "~", "$")) else f"./{path}" if path else ""
            yield Reference((part, name, "file"), text, MOUNTED)
    for number, entry in enumerate(_each(document.get("include"))):
        parts = entry if isinstance(entry, Mapping) else {"path": entry}
        for key in ("path", "project_directory", "env_file"):
            for path in _each(parts.get(key)):
                yield Reference(("include", str(number), key), _text(path), key)


def _items(value: Json) -> Iterator[tuple[str, Json]]:
    if isinstance(value, Mapping):
        yield from value.items()


def _each(value: Json) -> Sequence[Json]:
    if value is None or value == "":
        return ()
    return value if isinstance(value, Sequence) and not isinstance(value, str) else (value,)


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _line(path: Path, at: Sequence[str]) -> str:
    """Return the line of a key, after a colon; nothing where the file is several documents."""
    try:
        return f":{line_of(path.read_text(errors='replace'), [*at])}"
    except BadInput:
        return ""
