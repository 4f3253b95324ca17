"""Resolving a compose file on the operator's machine, from a clean export of the commit; needs no engine."""

from __future__ import annotations

import json
import os
import posixpath
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from switchyard.core.app import App
from switchyard.core.errors import BadInput, NotChecked
from switchyard.source import git

RESOLVE_WITHIN = 60
LFS = b"version https://git-lfs.github.com/spec/"


def export(repository: Path, commit: str, into: Path) -> None:
    """The commit's files, and nothing else."""
    with tarfile.open(fileobj=BytesIO(git(repository, "archive", "--format=tar", commit))) as archive:
        archive.extractall(into)


def tracked(repository: Path, commit: str) -> frozenset[str]:
    """The paths that the commit has, relative to the repository's top."""
    listed = git(repository, "ls-tree", "-r", "-z", "--name-only", commit).decode(errors="surrogateescape")
    return frozenset(name for name in listed.split("\0") if name)


def resolve(exported: Path, app: App, env: Mapping[str, str]) -> dict[str, Any]:
    """The compose document with every variable filled in, paths left as written."""
    folder = exported / app.path
    file = folder / app.compose
    if not file.exists():
        raise BadInput(f"app.compose: the commit has no {posixpath.normpath(f'{app.path}/{app.compose}')}")
    with tempfile.NamedTemporaryFile("w", suffix=".env") as values:
        values.write("".join(f"{key}={_quoted(value)}\n" for key, value in env.items()))
        values.flush()
        name = app.name if app.path == "." else folder.name.lower()
        argv = [
            "docker",
            "compose",
            "--env-file",
            values.name,
            "-p",
            name,
            "-f",
            str(file),
            "config",
            "--format",
            "json",
            "--no-path-resolution",
        ]
        kept = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
        try:
            done = subprocess.run(
                argv, capture_output=True, text=True, env=kept, cwd=folder, timeout=RESOLVE_WITHIN, check=False
            )
        except FileNotFoundError:
            raise NotChecked(_MISSING) from None
    if done.returncode != 0:
        words = done.stderr.strip().replace(f"{exported}/", "")
        if "unknown docker command" in words or "is not a docker command" in words or "unknown flag" in words:
            raise NotChecked(_MISSING)
        hint = " Set it in the env of the host's settings (hosts.NAME.env)." if "required variable" in words else ""
        raise BadInput(f"{app.compose}: Docker Compose says: {words}{hint}")
    document: dict[str, Any] = json.loads(done.stdout)
    return document


_MISSING = (
    "docker compose (v2) is not installed on this machine, and resolving a compose file needs it; no engine is "
    "needed. Debian: python3 scripts/engine.py"
)


def _quoted(value: str) -> str:
    """As Compose reads it back. Between single quotes all stands for itself, but a backslash cannot end a value."""
    if "\\'" in value or value.endswith("\\"):
        for special in ("\\", '"', "$"):
            value = value.replace(special, f"\\{special}")
        return f'"{value}"'
    return "'" + value.replace("'", "\\'") + "'"


def carries_all(repository: Path, commit: str, document: Mapping[str, Any], exported: Path, app: App) -> list[str]:
    """What the release needs and the commit does not carry, each with the ways out."""
    problems = []
    for line in git(repository, "ls-tree", "-r", "-z", commit).decode(errors="replace").split("\0"):
        if line.startswith("160000"):
            problems.append(
                f"{line.split(chr(9))[1]} is a submodule, which a commit only names: vendor its files, or build "
                "an image that holds them"
            )
    folder = exported / app.path
    for name, service in (document.get("services") or {}).items():
        build = service.get("build")
        if build is None:
            continue
        context = build if isinstance(build, str) else build.get("context", ".")
        if "://" in context or context.startswith("/"):
            continue
        place = folder / context
        dockerfile = "Dockerfile" if isinstance(build, str) else build.get("dockerfile", "Dockerfile")
        inline = not isinstance(build, str) and "dockerfile_inline" in build
        if not place.is_dir():
            problems.append(f"service {name}: build.context {context} is not in the commit: is it ignored by git?")
        elif not inline and not (place / dockerfile).exists():
            problems.append(
                f"service {name}: build.dockerfile {dockerfile} is not in the commit: is it ignored by git?"
            )
        else:
            problems += [
                f"{path.relative_to(exported)} is a Git LFS pointer, not the file: a release would ship the pointer"
                for path in place.rglob("*")
                if path.is_file() and path.stat().st_size < 200 and path.read_bytes().startswith(LFS)
            ]
    return problems
