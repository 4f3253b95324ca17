"""Docker Compose on the control node: it resolves documents and reads env files. It needs no engine for that."""

from __future__ import annotations

import contextlib
import json
import os
import posixpath
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from switchyard.control.compose_paths import Places
from switchyard.control.compose_reads import leads_out, refuse_outside
from switchyard.control.document_sources import build_problems
from switchyard.control.env_secrets import with_contents
from switchyard.control.keeper import MARK
from switchyard.core.app import App
from switchyard.core.compose_document import Document
from switchyard.core.errors import BadInput, NotChecked
from switchyard.core.redact import Redactor
from switchyard.core.secrecy import secret_values
from switchyard.core.wire import json_text
from switchyard.core.wire.message import Json, WireError
from switchyard.settings import bounded_yaml
from switchyard.settings.yaml_file import read_text

RUN_WITHIN = 60
"""Seconds in which Compose must end."""
STANDARD_INPUT = "/dev/stdin"
"""Where Compose reads the host's env."""
_NOT_IN_A_NAME = re.compile(r"^[^a-z0-9]+|[^a-z0-9_-]")
"""The characters that Compose removes from a folder's name to derive a project's name."""
_BLANK = re.compile(r'The \\?"([^"\\]+)\\?" variable is not set')
_NO_COMPOSE = ("unknown docker command", "is not a docker command", "unknown flag")
"""What Docker prints where the Compose plugin is missing or too old."""
_NO_JSON = "error calling MarshalJSON"
"""Stands where Compose cannot print its own document as JSON: one with the path of an SSH key."""
_MISSING = (
    "docker compose (v2) is not installed on this machine, and Switchyard resolves the compose file with it. It needs "
    "no engine. On Debian, run: python3 scripts/engine.py"
)


@dataclass(frozen=True)
class EnvFiles:
    """What stands for the env files of services that the commit lacks."""

    services: Mapping[str, tuple[tuple[str, str], ...]]
    """Service to its env files: the name of a text, or else a path."""
    texts: Mapping[str, str]
    """Name to the text of an env file. Secret."""
    notes: tuple[str, ...]


def run(
    folder: Path, *words: str, env: str = "", more: Mapping[str, str] | None = None, open_files: Sequence[int] = ()
) -> subprocess.CompletedProcess[str]:
    """Run Docker Compose in a folder, without the operator's own variables.

    ``env`` is the text of an env file. Compose reads it as ``/dev/stdin``, from a file without a name: even a kill
    leaves no copy behind. ``more``: variables of Compose's own environment. ``open_files``: descriptors that Compose
    may read as ``/dev/fd``. Raise ``NotChecked`` if Compose is missing or takes too long.
    """
    variables = {**{key: os.environ[key] for key in ("PATH", "HOME", MARK) if key in os.environ}, **(more or {})}
    try:
        with tempfile.TemporaryFile("w+", encoding="utf-8") as file:
            file.write(env)
            file.seek(0)
            process = subprocess.run(
                [shutil.which("docker") or "docker", "compose", *words],
                stdin=file,
                pass_fds=open_files,
                capture_output=True,
                text=True,
                env=variables,
                cwd=folder,
                timeout=RUN_WITHIN,
                check=False,
            )
    except FileNotFoundError:
        raise NotChecked(_MISSING) from None
    except subprocess.TimeoutExpired:
        raise NotChecked(f"docker compose config did not end within {RUN_WITHIN} s") from None
    if process.returncode != 0 and any(words in process.stderr for words in _NO_COMPOSE):
        raise NotChecked(_MISSING)
    return process


def env_values(text: str, name: str = "the env of the host's settings") -> dict[str, str]:
    """Return the variables of an env file's text, as Compose reads it.

    Raise ``BadInput`` with Compose's words, after ``name``, which says where the text comes from.
    """
    if not text.strip():
        return {}
    with tempfile.TemporaryDirectory(prefix="switchyard-") as temporary:
        folder = Path(temporary)
        (folder / "compose.json").write_text('{"services": {"all": {"image": "none", "env_file": ["/dev/stdin"]}}}')
        process = run(folder, "-p", "env", "-f", "compose.json", "config", "--format", "json", env=text)
    if process.returncode != 0:
        words = Redactor(_possible_values(text))(process.stderr.strip().replace("/dev/stdin", "env"))
        raise BadInput(f"{name}: {words}")
    (service,) = Document.decode(json_text.parse(process.stdout)).services.values()
    return dict(service.environment)


def env_values_of(path: Path, top: Path) -> dict[str, str]:
    """Return the variables of an env file below ``top``; none where there is no file."""
    if path.is_file() and leads_out(path, top):
        raise BadInput(f"{path.name} leads out of the repository. Put the file itself in its place")
    return env_values(read_text(path), path.name) if path.is_file() else {}


def _possible_values(text: str) -> Iterator[str]:
    """Yield whatever may be a value in a text that is perhaps no env file: all but the first word of each line."""
    for line in text.splitlines():
        yield line.partition("=")[2].strip().strip("'\"")
        yield from re.split(r"[\s='\"]+", line)[1:]


def resolve(exported: Path, app: App, env: Mapping[str, str], env_files: EnvFiles | None = None) -> Document:
    """Return the Compose document with every variable filled in, and paths relative to the compose file's folder.

    ``exported`` is a clean export of the commit. Compose sees what it would see if somebody typed
    ``docker compose -f COMPOSE`` in the application's folder there. The env wins over the ``.env`` that the commit may
    have beside its compose file. Raise ``BadInput`` for a variable that nothing sets: Compose would leave it blank.
    """
    places = Places(exported.resolve(), app)
    refuse_foreign_reads(exported, app, env)
    if not (places.folder / app.compose).is_file():
        raise BadInput(f"app.compose: the commit has no {posixpath.normpath(f'{app.path}/{app.compose}')}")
    process, printed = printed_by(partial(_config, places, env, env_files))
    blank = sorted(set(_BLANK.findall(process.stderr)))
    if blank:
        raise BadInput(
            f"{app.compose}: nothing sets {', '.join(blank)}. Set it in the env of the host's settings "
            f"(hosts.NAME.env), or give it a default in the file: ${{{blank[0]}:-}} for an empty one"
        )
    if process.returncode != 0:
        texts = env_files.texts.values() if env_files is not None else ()
        beside = [value for text in texts for value in _possible_values(text)]
        raise _failure(places, process.stderr, env, beside)
    try:
        document = Document.decode(with_contents(places.relative(printed), env))
    except WireError as error:
        raise BadInput(f"{app.compose}: {error}") from None
    _refuse_problems(document, places, app)
    return document.setting_aside(app.left_out)


def printed_by(
    config: Callable[[str], subprocess.CompletedProcess[str]],
) -> tuple[subprocess.CompletedProcess[str], Json]:
    """Have Compose print a document in a form that it can write. Return its process, and the document; None for none.

    ``config`` runs Compose for the form ``json`` or ``yaml``.
    """
    process = config("json")
    if process.returncode == 0:
        return process, json_text.parse(process.stdout)
    if _NO_JSON not in process.stderr:
        return process, None
    process = config("yaml")
    return process, bounded_yaml.load(process.stdout, "the document") if process.returncode == 0 else None


def _refuse_problems(document: Document, places: Places, app: App) -> None:
    """Raise ``BadInput`` with what is wrong in a document that Compose takes."""
    unknown = [name for name in app.left_out if name not in document.services]
    if unknown:
        raise BadInput(f"app.kinds.{unknown[0]}: {app.compose} has no service of this name")
    problems = [f"{app.compose}: {problem}" for problem in build_problems(document, places.exported, app)]
    if problems:
        raise BadInput("\n".join(problems))


def _config(
    places: Places, env: Mapping[str, str], env_files: EnvFiles | None, form: str
) -> subprocess.CompletedProcess[str]:
    """Have Compose print the document, as ``json`` or ``yaml``."""
    project, file = places.project, places.folder / places.app.compose
    own_env = ["--env-file", str(project / ".env")] if (project / ".env").is_file() else []
    with contextlib.ExitStack() as stack:
        naming = stack.enter_context(
            _temporary(json.dumps({"name": _default_name(project, places.app), "services": {}}))
        )
        files = ["--project-directory", str(project), "-f", naming, "-f", str(file)]
        open_files: dict[str, int] = {}
        if env_files is not None and env_files.services:
            open_files = {name: stack.enter_context(_unnamed(text)) for name, text in env_files.texts.items()}
            files += ["-f", stack.enter_context(_temporary(_override(env_files, open_files)))]
        words = [*own_env, "--env-file", STANDARD_INPUT, *files, "config", "--format", form]
        return run(
            places.folder, *words, env=env_file_text(env), more=places.variables(env), open_files=[*open_files.values()]
        )


def refuse_foreign_reads(exported: Path, app: App, env: Mapping[str, str]) -> None:
    """Raise ``BadInput`` with every file that Compose would read for the document and that is not in the export."""
    places = Places(exported.resolve(), app)
    refuse_outside(places, partial(_filled, places, env))


def _filled(places: Places, env: Mapping[str, str], texts: Sequence[str], env_files: Sequence[Path]) -> list[str]:
    """Fill in the variables of texts, as Compose does. ``env_files`` count less than the env, the first ones least."""
    with tempfile.TemporaryDirectory(prefix="switchyard-") as folder:
        labels = {f"text{number}": text for number, text in enumerate(texts)}
        (Path(folder) / "compose.json").write_text(
            json.dumps({"services": {"all": {"image": "none", "labels": labels}}})
        )
        files = [word for file in env_files for word in ("--env-file", str(file))]
        words = [*files, "--env-file", "/dev/stdin", "-p", "texts", "-f", f"{folder}/compose.json", "config"]
        process = run(places.folder, *words, "--format", "json", env=env_file_text(env), more=places.variables(env))
    if process.returncode != 0:
        raise _failure(places, process.stderr, env)
    (service,) = Document.decode(json_text.parse(process.stdout)).services.values()
    return [service.labels[name].replace("$$", "$") for name in labels]


def _failure(places: Places, errors: str, env: Mapping[str, str], beside: Iterable[str] = ()) -> BadInput:
    """Return the error for a document that Compose refuses, in Compose's own words. ``beside``: further secrets."""
    redact = Redactor([*secret_values(env), *beside])
    message = redact(errors.strip().replace(f"{places.exported}/", ""))
    hint = " Set it in the env of the host's settings (hosts.NAME.env)." if "required variable" in message else ""
    return BadInput(f"{places.app.compose}: Docker Compose says: {message}{hint}")


def env_file_text(env: Mapping[str, str]) -> str:
    """Return variables as the text of an env file."""
    return "".join(f"{key}={_quoted(value)}\n" for key, value in env.items())


@contextlib.contextmanager
def _temporary(text: str) -> Iterator[str]:
    """Yield the path of a compose file with a text."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(text)
        file.flush()
        yield file.name


@contextlib.contextmanager
def _unnamed(text: str) -> Iterator[int]:
    """Yield the descriptor of a file with a text and without a name, of which even a kill leaves no copy."""
    with tempfile.TemporaryFile("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        yield file.fileno()


def _override(env_files: EnvFiles, descriptors: Mapping[str, int]) -> str:
    """Return a compose file that replaces the env files of services."""
    lines = ["services:"]
    for service, entries in env_files.services.items():
        paths = [f"/dev/fd/{descriptors[name]}" if name else path for name, path in entries]
        lines.append(f"  {json.dumps(service)}: {{env_file: !override {json.dumps(paths)}}}")
    return "\n".join(lines) + "\n"


def _default_name(folder: Path, app: App) -> str:
    """Return the project's name where neither the file nor its env gives one.

    Compose derives it from the folder's name. The folder of an application at the repository's top is a temporary one
    here and has any name on the host, so there the application's name stands in.
    """
    return app.name if app.project_folder == "." else _NOT_IN_A_NAME.sub("", folder.name.lower()) or app.name


def _quoted(value: str) -> str:
    """Quote a value so that Compose reads it back unchanged.

    Between single quotes everything stands for itself, but a backslash cannot end the value.
    """
    if "\\'" in value or value.endswith("\\"):
        for special in ("\\", '"', "$"):
            value = value.replace(special, f"\\{special}")
        return f'"{value}"'
    return "'" + value.replace("'", "\\'") + "'"
