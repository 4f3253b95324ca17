"""The places of a resolved document: Compose makes them absolute on this machine, and a release is on another."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from switchyard.core.app import App
from switchyard.core.errors import BadInput
from switchyard.core.wire.message import Json

HOME = "/home-of-the-ssh-user"
"""Stands for the home of the host's SSH user while Compose resolves paths."""
PROGRAMS = "/programs-of-this-machine"
"""Stands on the PATH while Compose resolves a document, and shows a value that has it."""
KEYS = frozenset(("context", "additional_contexts", "source", "file", "path", "device", "dockerfile"))
"""Keys whose values are paths of the machine that runs Compose."""

KEY_OF_A_BUILD = ("services", "build", "ssh")
"""Where SSH keys of builds stand, a service's name left out: ``ID``, ``ID=PATH``, or ``ID: PATH`` where Compose prints
YAML. The path is of the machine that wrote the file: the host's entry in the settings names the one on the host."""


@dataclass(frozen=True)
class Places:
    """Where Compose resolves a document: a clean export of the commit."""

    exported: Path
    app: App

    @property
    def folder(self) -> Path:
        """The application's folder, where somebody would type the command."""
        return Path(os.path.normpath(self.exported / self.app.path))

    @property
    def project(self) -> Path:
        """The compose file's folder, which relative paths start from."""
        return Path(os.path.normpath(self.exported / self.app.project_folder))

    def variables(self, env: Mapping[str, str]) -> dict[str, str]:
        """Return the variables of Compose that are places: those of the env, else this export and the host's home.

        The PATH is this machine's, since Compose may need programs of it, but no document may have it.
        """
        settings = os.environ.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker")
        path = f"{os.environ.get('PATH', os.defpath)}{os.pathsep}{PROGRAMS}"
        places = {"PWD": str(self.folder), "HOME": HOME, "PATH": path}
        return {**places, **{name: env[name] for name in places if name in env}, "DOCKER_CONFIG": settings}

    def relative(self, value: Json, at: tuple[str, ...] = ()) -> Json:
        """Return a document with paths relative to the project's folder, and those in a home from ``~``.

        Raise ``BadInput`` for any other value that contains such a place: it means nothing on the host.
        """
        if isinstance(value, str):
            return self._relative_text(value, at)
        if isinstance(value, Mapping):
            return {key: self.relative(item, (*at, key)) for key, item in value.items()}
        if isinstance(value, Sequence):
            return [self.relative(item, at) for item in value]
        return value

    def _relative_text(self, value: str, at: tuple[str, ...]) -> str:
        if at[:1] + at[2:] == KEY_OF_A_BUILD:
            return re.split("=|: ", value, maxsplit=1)[0]
        if PROGRAMS in value:
            raise BadInput(
                f"{self.app.compose}: {'.'.join(at)}: ${{PATH}} is this machine's, which the host does not have. Set "
                "PATH in the env of the host's settings (hosts.NAME.env), or write it out"
            )
        for top, variable in ((str(self.exported), "PWD"), (HOME, "HOME")):
            if top not in value:
                continue
            if not KEYS & set(at[-2:]) or not (value == top or value.startswith(f"{top}/")):
                raise BadInput(
                    f"{self.app.compose}: {'.'.join(at)}: ${{{variable}}} is a folder of this machine, which the host "
                    f"does not have. Set {variable} in the env of the host's settings (hosts.NAME.env), or write the "
                    "path out"
                )
            return f"~{value[len(HOME) :]}" if variable == "HOME" else self._below(value)
        return value

    def _below(self, path: str) -> str:
        relative = os.path.relpath(path, self.project)
        return relative if relative.split("/")[0] in (".", "..") else f"./{relative}"
