"""Code and documents of a commit look for variables of the control node: they see only what each needs."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from switchyard.control import compose, compose_paths, env_files
from switchyard.core.app import App, Migrations
from switchyard.core.errors import SwitchyardError
from switchyard.predeploy.configuration import tool_versions
from switchyard.predeploy.database import migration_command
from switchyard.predeploy.engine.subject import Subject
from switchyard.predeploy.nox import variables
from switchyard.settings.predeploy import PredeploySetting
from tests.harness.attack import Attack, promises

SECRET = "canary-of-the-control-node"
LOOK = "import os, sys; sys.exit(0 if any('canary' in value for value in os.environ.values()) else 7)"
SECRETS_OF_CI = ("DEPLOY_KEY", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "SSH_AUTH_SOCK", "NPM_TOKEN", "VAULT_TOKEN")


def subject_at(folder: Path, app: App | None = None) -> Subject:
    return Subject(
        app=app or App("shop"),
        setting=PredeploySetting(),
        top=folder,
        repository=folder,
        tree="t" * 40,
        clean=True,
        state=folder / "state",
        checkout=folder,
    )


def sees(folder: Path, env: Callable[[Subject, Path], dict[str, str]], name: str) -> bool:
    """Return whether a program in an environment of the sessions sees a variable of this process."""
    temporary = folder / f"temporary-{len(list(folder.glob('temporary-*')))}"
    temporary.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(name, SECRET)
        seen = env(subject_at(folder), temporary)
    return subprocess.run([sys.executable, "-c", LOOK], env=seen, check=False).returncode == 0


def hidden(name: str, variable: str, harmless: str) -> Attack:
    """Return an attack of a build back end that looks for a variable; its twin needs one to reach the index."""
    return Attack(
        name,
        lambda folder: sees(folder, variables.of_installing, variable),
        lambda folder: sees(folder, variables.of_installing, harmless),
        everything_passes,
    )


def everything_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give every session the whole environment."""
    real = variables.clean

    def whole(temporary: Path, passed: object = ()) -> dict[str, str]:
        return {**os.environ, **real(temporary)}

    monkeypatch.setattr(variables, "clean", whole)


def home(folder: Path, place: str, env: Callable[[Subject, Path], dict[str, str]]) -> bool:
    """Return whether a program finds a file of the user's below its home."""
    file = Path(os.environ["HOME"], place)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(SECRET)
    temporary = folder / f"temporary-{len(list(folder.glob('temporary-*')))}"
    temporary.mkdir()
    return Path(env(subject_at(folder), temporary)["HOME"], place).exists()


def in_home(name: str, place: str, harmless: str) -> Attack:
    return Attack(
        name,
        lambda folder: home(folder, place, variables.of_installing),
        lambda folder: home(folder, harmless, variables.of_installing),
        real_home,
    )


def real_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave every session the user's home."""
    real = variables.clean
    monkeypatch.setattr(
        variables, "clean", lambda temporary, passed=(): {**real(temporary, passed), "HOME": os.environ["HOME"]}
    )


def document(folder: Path, text: str, name: str, env: dict[str, str] | None = None, dot_env: str = "") -> bool:
    """Return whether a value of this process reaches a document of the commit."""
    folder.mkdir(exist_ok=True)
    (folder / "compose.yaml").write_text(text)
    if dot_env:
        (folder / ".env").write_text(dot_env)
    with pytest.MonkeyPatch.context() as patch, contextlib.suppress(SwitchyardError):
        patch.setenv(name, f"{os.environ.get(name, '')}{os.pathsep}/{SECRET}")
        return SECRET in str(compose.resolve(folder, App("shop"), env or {}).raw)
    return False


def path_is_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let documents have the PATH."""
    monkeypatch.setattr(compose_paths, "PROGRAMS", "nowhere-in-a-document")
    real = compose_paths.Places.variables

    def same(self: compose_paths.Places, env: dict[str, str]) -> dict[str, str]:
        return {**real(self, env), "PATH": os.environ["PATH"]}

    monkeypatch.setattr(compose_paths.Places, "variables", same)


def whole_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start Compose with the operator's own variables."""
    real = compose.run

    def run(folder: Path, *words: str, more: object = None, **other: object) -> subprocess.CompletedProcess[str]:
        return real(folder, *words, more={**os.environ, **dict(more or {})}, **other)  # type: ignore[arg-type,call-overload]

    monkeypatch.setattr(compose, "run", run)


WEB = "services: {web: {image: x, environment: {V: '%s'}}}\n"


def migrate(folder: Path, name: str) -> bool:
    """Return whether the application's migration command sees a variable, or the user's home."""
    ran = folder / f"ran-{name}"
    code = f"import os; open({str(ran)!r}, 'w').write(repr(dict(os.environ)))"
    app = App("shop", migrations=Migrations("migrate", (), (), None, (sys.executable, "-c", code)))

    class Server:
        folder = Path("/nowhere")

    class Database(tuple):  # type: ignore[type-arg]
        pass

    with pytest.MonkeyPatch.context() as patch:
        if name != "HOME":
            patch.setenv(name, SECRET)
        else:
            patch.setenv("HOME", f"/{SECRET}")
        migration_command.run_migration_command(
            subject_at(folder, app),
            Database((Server(), "copy1")),  # type: ignore[arg-type]
            "",
        )
    return SECRET in ran.read_text()


def migration_sees_all(monkeypatch: pytest.MonkeyPatch) -> None:
    real = subprocess.run

    def run(*args: object, **words: object) -> object:
        return real(*args, **{**words, "env": dict(os.environ)})  # type: ignore[call-overload]

    monkeypatch.setattr(migration_command.subprocess, "run", run)


def migration_runs(folder: Path) -> bool:
    return migrate(folder, "PATH_OF_NOTHING") is False and (folder / "ran-PATH_OF_NOTHING").exists()


def beside(folder: Path, text: str, named: dict[str, str] | None = None, ships: tuple[str, ...] | None = None) -> str:
    """Return the document of a service with an env file, or the words of the refusal."""
    (folder / "compose.yaml").write_text(f"services: {{web: {{image: x, env_file: {text}}}}}\n")
    (folder / ".env").write_text(f"OWN={SECRET}\n")
    try:
        files = env_files.env_files_of(folder, App("shop"), {"OF": "the host"}, named or {}, "prod", ships)
        return str(compose.resolve(folder, App("shop"), {"OF": "the host"}, files).raw)
    except SwitchyardError as error:
        return str(error)


def developers_file(folder: Path) -> bool:
    """Check the work tree for a host, beside the developer's own untracked file."""
    return SECRET in beside(folder, ".env", ships=("compose.yaml",))


def takes_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every file that is there for one of the commit."""
    monkeypatch.setattr(env_files, "_ships", lambda places, path, ships: os.path.lexists(path))


def error_of_env_file(folder: Path) -> bool:
    """Have Compose complain of the file that stands for an env file."""
    return SECRET in beside(folder, "[other.env]", {"other.env": f"KEY='{SECRET}\n"}, ("compose.yaml",))


def shows_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show Compose's words as they are."""
    monkeypatch.setattr(compose.Redactor, "__call__", lambda self, text: text)


SECRET_OF_COMPOSE = "services: {web: {image: x, %s: [s]}}\n%s: {s: {environment: DEPLOY_KEY}}\n"


def resources_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fill in secrets and configs from the operator's environment too."""
    real = compose.with_contents
    monkeypatch.setattr(compose, "with_contents", lambda document, env: real(document, {**os.environ, **env}))


def tool(folder: Path, variable: str) -> bool:
    """Return whether a program that a commit names as a tool sees a variable."""
    program = folder / "bin" / "tool"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f"#!{sys.executable}\nimport os\nprint(1.0 if os.environ.get('{variable}') else 0.0)\n")
    program.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
        patch.setenv(variable, os.environ.get(variable, SECRET))
        return tool_versions.printed_version("tool") == "1.0"


def tool_sees_all(monkeypatch: pytest.MonkeyPatch) -> None:
    real = subprocess.run

    def run(*args: object, **words: object) -> object:
        return real(*args, **{**words, "env": None})  # type: ignore[call-overload]

    monkeypatch.setattr(tool_versions.subprocess, "run", run)


ATTACKS = [
    *(hidden(f"installing sees {name}", name, "UV_INDEX_URL") for name in SECRETS_OF_CI),
    hidden("installing sees what looks like a setting of the index", "MY_PIP_INDEX_URL", "PIP_INDEX_URL"),
    hidden("installing sees the password of an index that is none", "UV_INDEX_PASSWORD_STORE", "UV_INDEX_A_PASSWORD"),
    hidden("installing sees what looks like a proxy", "https_proxy_password", "https_proxy"),
    hidden("installing sees Python's own path", "PYTHONPATH", "SSL_CERT_FILE"),
    hidden("installing sees a library to load", "LD_LIBRARY_PATH", "REQUESTS_CA_BUNDLE"),
    in_home("installing finds the user's keys", ".ssh/id_ed25519", ".config/pip/pip.conf"),
    in_home("installing finds the user's passwords", ".netrc", ".config/uv/uv.toml"),
    in_home("installing finds the login of a registry", ".docker/config.json", ".config/pip/pip.conf"),
    Attack(
        "a tool that reads files sees the index",
        lambda folder: sees(folder, variables.of_tools, "UV_INDEX_URL"),
        lambda folder: sees(folder, variables.of_tools, "TZ"),
        everything_passes,
    ),
    Attack(
        "tests see a variable that nobody names",
        lambda folder: sees(folder, variables.of_tests, "DEPLOY_KEY"),
        lambda folder: sees(folder, variables.of_tests, "LC_ALL"),
        everything_passes,
    ),
    Attack(
        "a compose file takes the control node's PATH",
        lambda folder: document(folder, WEB % "${PATH}", "PATH"),
        lambda folder: document(folder, WEB % "${PATH}", "NOT_USED", {"PATH": f"/bin:/{SECRET}"}),
        path_is_a_value,
    ),
    Attack(
        "a committed .env takes the control node's PATH",
        lambda folder: document(folder, WEB % "${OWN}", "PATH", dot_env="OWN=${PATH}\n"),
        lambda folder: document(folder, WEB % "${OWN}", "NOT_USED", dot_env=f"OWN={SECRET}\n"),
        path_is_a_value,
    ),
    Attack(
        "a compose file passes the control node's PATH on",
        lambda folder: document(folder, "services: {web: {image: x, environment: [PATH]}}\n", "PATH"),
        lambda folder: document(folder, WEB % f"{SECRET}", "NOT_USED"),
        path_is_a_value,
    ),
    Attack(
        "a compose file takes a key of the control node",
        lambda folder: document(folder, WEB % "${DEPLOY_KEY:-none}", "DEPLOY_KEY"),
        lambda folder: document(folder, WEB % "${DEPLOY_KEY:-none}", "NOT_USED", {"DEPLOY_KEY": SECRET}),
        whole_environment,
    ),
    Attack(
        "a default in a default takes a key of the control node",
        lambda folder: document(folder, WEB % "${A:-${B:-${DEPLOY_KEY:-none}}}", "DEPLOY_KEY"),
        lambda folder: document(folder, WEB % "${A:-${B:-x}}", "NOT_USED", {"B": SECRET}),
        whole_environment,
    ),
    Attack(
        "the migration command sees CI's deploy key",
        lambda folder: migrate(folder, "DEPLOY_KEY"),
        migration_runs,
        migration_sees_all,
    ),
    Attack(
        "the migration command sees the user's home",
        lambda folder: migrate(folder, "HOME"),
        migration_runs,
        migration_sees_all,
    ),
    Attack(
        "the developer's untracked .env in place of the host's env",
        developers_file,
        lambda folder: "the host" in beside(folder, ".env", ships=("compose.yaml",)),
        takes_what_is_there,
    ),
    Attack(
        "Compose's error shows a value of an env file",
        error_of_env_file,
        lambda folder: "fine" in beside(folder, "[other.env]", {"other.env": "KEY=fine\n"}, ("compose.yaml",)),
        shows_errors,
    ),
    *(
        Attack(
            f"an entry of {part} takes a key of the control node",
            lambda folder, part=part: document(folder, SECRET_OF_COMPOSE % (part, part), "DEPLOY_KEY"),
            lambda folder, part=part: document(
                folder, SECRET_OF_COMPOSE % (part, part), "NOT_USED", {"DEPLOY_KEY": SECRET}
            ),
            resources_of_this_machine,
        )
        for part in ("secrets", "configs")
    ),
    Attack(
        "a tool that a commit names sees a key",
        lambda folder: tool(folder, "DEPLOY_KEY"),
        lambda folder: tool(folder, "PATH"),
        tool_sees_all,
    ),
]

test_refused, test_twin, test_defence = promises(ATTACKS)
