"""Resolving a compose file on the operator's machine, from a clean export of the commit; needs no engine."""

from __future__ import annotations

import json
import os
import posixpath
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path

from switchyard.control.commit import git
from switchyard.control.dockerfile import copied
from switchyard.core.app import App
from switchyard.core.compose_document import Document
from switchyard.core.errors import BadInput, NotChecked
from switchyard.core.redact import redact, spellings
from switchyard.core.wire.message import WireError

RESOLVE_WITHIN = 60
LFS_MOST = 1024
"""Bytes that a pointer file has at most."""
LFS = b"version https://git-lfs.github.com/spec/"


def export(repository: Path, commit: str, into: Path) -> None:
    """The commit's files, all of them and nothing else: what git would leave out of an archive is not left out."""
    asked = ("--path-format=absolute", "--git-path", "objects", f"{commit}^{{commit}}")
    objects, found = git(repository, "rev-parse", *asked).decode().splitlines()
    with tempfile.TemporaryDirectory(prefix="switchyard-") as folder:
        bare = Path(folder)
        git(bare, "init", "--quiet", "--bare", "--template=")
        (bare / "info").mkdir(exist_ok=True)
        (bare / "info" / "attributes").write_text("* -export-ignore -export-subst\n")
        (bare / "objects" / "info" / "alternates").write_text(f"{objects}\n")
        with tarfile.open(fileobj=BytesIO(git(bare, "archive", "--format=tar", found))) as archive:
            archive.extractall(into)


def tracked(repository: Path, commit: str) -> frozenset[str]:
    """The paths that the commit has, relative to the repository's top."""
    listed = git(repository, "ls-tree", "-r", "-z", "--name-only", commit).decode(errors="surrogateescape")
    return frozenset(name for name in listed.split("\0") if name)


def env_values(text: str) -> dict[str, str]:
    """The variables of an env file's text, read by Compose itself. Raises ``BadInput`` with its words."""
    if not text.strip():
        return {}
    with tempfile.TemporaryDirectory(prefix="switchyard-") as name:
        folder = Path(name)
        (folder / "compose.json").write_text('{"services": {"all": {"image": "none", "env_file": ["/dev/stdin"]}}}')
        done = compose(folder, "-p", "env", "-f", "compose.json", "config", "--format", "json", env=text)
        if done.returncode != 0:
            words = redact(done.stderr.strip().replace("/dev/stdin", "env"), spellings(_words(text)))
            raise BadInput(f"the env of the host's settings: {words}")
        read = json.loads(done.stdout)["services"]["all"].get("environment") or {}
    return {key: value.replace("$$", "$") for key, value in read.items() if value is not None}


def _words(text: str) -> Iterator[str]:
    """Whatever stands in an env file that may not be one, the names at the beginnings of its lines apart."""
    for line in text.splitlines():
        yield line.partition("=")[2].strip().strip("'\"")
        yield from re.split(r"[\s='\"]+", line)[1:]


def compose(folder: Path, *words: str, env: str = "") -> subprocess.CompletedProcess[str]:
    """Docker Compose in a folder, without the operator's own variables. Raises ``NotChecked`` where it is not here.

    ``env`` is an env file's text, which it reads as ``/dev/stdin``: a file without a name, that no kill leaves behind.
    """
    kept = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    try:
        with tempfile.TemporaryFile("w+", encoding="utf-8") as values:
            values.write(env)
            values.seek(0)
            done = subprocess.run(
                ["docker", "compose", *words],
                stdin=values,
                capture_output=True,
                text=True,
                env=kept,
                cwd=folder,
                timeout=RESOLVE_WITHIN,
                check=False,
            )
    except FileNotFoundError:
        raise NotChecked(_MISSING) from None
    except subprocess.TimeoutExpired:
        raise NotChecked(f"docker compose config did not end within {RESOLVE_WITHIN} s") from None
    if done.returncode != 0 and any(
        words in done.stderr for words in ("unknown docker command", "is not a docker command", "unknown flag")
    ):
        raise NotChecked(_MISSING)
    return done


def resolve(exported: Path, app: App, env: Mapping[str, str]) -> Document:
    """The compose document with every variable filled in, paths left as written, under the name that Compose gives it.

    What names neither the file nor its env is called as its folder is, and one at the repository's top as the
    application: its folder is a temporary one here, and anybody's on the host. The env goes over the ``.env`` that the
    commit may have beside its compose file. A variable that nothing sets is refused: Compose would put nothing in its
    place and go on.
    """
    folder = exported / app.path
    file = folder / app.compose
    if not file.exists():
        raise BadInput(f"app.compose: the commit has no {posixpath.normpath(f'{app.path}/{app.compose}')}")
    name = app.name if app.path == "." else _NO_NAME.sub("", folder.name.lower()) or app.name
    own = ["--env-file", str(folder / ".env")] if (folder / ".env").is_file() else []
    values = "".join(f"{key}={_quoted(value)}\n" for key, value in env.items())
    with tempfile.NamedTemporaryFile("w") as unnamed:
        json.dump({"name": name, "services": {}}, unnamed)
        unnamed.flush()
        files = ["--project-directory", str(folder), "-f", unnamed.name, "-f", str(file)]
        asked = ["config", "--format", "json", "--no-path-resolution"]
        done = compose(folder, *own, "--env-file", "/dev/stdin", *files, *asked, env=values)
    blank = sorted(set(_BLANK.findall(done.stderr)))
    if blank:
        raise BadInput(
            f"{app.compose}: nothing sets {', '.join(blank)}. Set it in the env of the host's settings "
            f"(hosts.NAME.env), or give it a default in the file: ${{{blank[0]}:-}} for an empty one"
        )
    if done.returncode != 0:
        words = redact(done.stderr.strip().replace(f"{exported}/", ""), spellings(env.values()))
        hint = " Set it in the env of the host's settings (hosts.NAME.env)." if "required variable" in words else ""
        raise BadInput(f"{app.compose}: Docker Compose says: {words}{hint}")
    try:
        return Document.decode(json.loads(done.stdout))
    except WireError as error:
        raise BadInput(f"{app.compose}: {error}") from None


_NO_NAME = re.compile(r"^[^a-z0-9]+|[^a-z0-9_-]")
"""What Compose leaves out of a folder's name to make a project's of it."""
_BLANK = re.compile(r'The \\?"([^"\\]+)\\?" variable is not set')
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


def carries_all(repository: Path, commit: str, document: Document, exported: Path, app: App) -> list[str]:
    """What the release needs and the commit does not carry, each with the ways out."""
    problems = []
    for line in git(repository, "ls-tree", "-r", "-z", commit).decode(errors="replace").split("\0"):
        if line.startswith("160000"):
            problems.append(
                f"{line.split(chr(9))[1]} is a submodule, which a commit only names: vendor its files, or build "
                "an image that holds them"
            )
    folder = exported / app.path
    places = [folder / source for source in document.mounted if not source.startswith(("/", "~"))]
    for name, service in document.services.items():
        build = service.build
        if build is None:
            continue
        context, dockerfile, inline = build.context, build.dockerfile, build.dockerfile_inline
        if "://" in context or context.startswith("/"):
            continue
        place = folder / context
        if not place.is_dir():
            problems.append(f"service {name}: build.context {context} is not in the commit: is it ignored by git?")
        elif inline is None and not (place / dockerfile).exists():
            problems.append(
                f"service {name}: build.dockerfile {dockerfile} is not in the commit: is it ignored by git?"
            )
        else:
            places.append(place)
            text = (place / dockerfile).read_text(errors="replace") if inline is None else inline
            problems += [
                f"service {name}: {dockerfile}:{line} copies {source}, which is not in the commit: commit it, have the "
                "build make it, or name an image that holds it"
                for line, source in copied(text, build.target)
                if not os.path.lexists(place / source.lstrip("/"))
            ]
    pointers = {path for place in places for path in _files(place) if _is_pointer(path)}
    problems += [
        f"{path.relative_to(exported.resolve())} is a Git LFS pointer, not the file: a release would ship the pointer"
        for path in sorted(pointers)
    ]
    return problems


def _files(place: Path) -> list[Path]:
    found = place.rglob("*") if place.is_dir() else [place]
    return [path.resolve() for path in found if path.is_file() and not path.is_symlink()]


def _is_pointer(path: Path) -> bool:
    return path.stat().st_size < LFS_MOST and path.read_bytes().startswith(LFS)
