"""The settings: ``invoke.yaml`` of the checkout, of the application, and generated hosts, as typed values."""

from __future__ import annotations

import difflib
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from switchyard.core.app import App, Check, Migrations
from switchyard.core.errors import BadInput

NAME = r"^[a-z0-9][a-z0-9_-]{0,39}$"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RouteSetting(_Strict):
    """One entry of ``routes``."""

    service: str
    port: int
    listen: int | str | None = None
    mode: Literal["http", "tcp"] = "http"
    affinity: bool = False
    host: str | None = None
    path: str | None = None
    tls: Any = None


class CheckSetting(_Strict):
    """One entry of ``checks``."""

    port: int
    path: str | None = None
    status: int | None = None
    body: str | None = None


class MigrationsSetting(_Strict):
    """``migrations``."""

    service: str
    current: list[str] = []
    pending: list[str] = []
    files: str | None = None
    apply: list[str] = []
    repeat: Literal["always", "never"] = "always"


class AppSetting(_Strict):
    """``app``: what stands in the application's own folder, or in the checkout, which then wins."""

    name: str | None = Field(None, pattern=NAME)
    path: str | None = None
    compose: str | None = None
    kinds: dict[str, Literal["routed", "plain", "handover", "shared", "oneshot"]] | None = None
    routes: list[RouteSetting] | None = None
    volumes: dict[str, dict[str, str]] | None = None
    data: dict[str, str] | None = None
    writable: list[str] | None = None
    checks: dict[str, CheckSetting] | None = None
    migrations: MigrationsSetting | None = None
    smoke: list[str] | None = None
    standby: int | None = None
    drain: int | None = None
    healthy_within: int | None = None
    release_header: bool | None = None


class Machine(_Strict):
    """One machine of a host."""

    name: str
    address: str
    port: int = 22
    user: str | None = None
    key: str | None = None


class EnvSetting(_Strict):
    """Where a host's env comes from: one of the three."""

    files: list[str] | None = None
    command: list[str] | None = None
    host: bool | None = None


class HostSetting(_Strict):
    """One entry of ``hosts``."""

    machines: list[Machine] = Field(min_length=1)
    app: AppSetting | None = None
    env: EnvSetting | None = None
    url: str | None = None
    root: str | None = None


class _File(BaseModel):
    model_config = ConfigDict(extra="ignore")

    app: AppSetting | None = None
    hosts: dict[str, HostSetting] | None = None


class Host:
    """A named host with all that a verb needs to know of it."""

    def __init__(self, name: str, setting: HostSetting, checkout: Path, app: AppSetting | None) -> None:
        self.name = name
        self.setting = setting
        self.checkout = checkout
        self.app_setting = setting.app or app or AppSetting(**{})

    @property
    def app_folder(self) -> Path:
        """The folder of the application, in some git repository."""
        path = Path(os.path.expanduser(self.app_setting.path or "."))
        return (path if path.is_absolute() else self.checkout / path).resolve()


def load(checkout: Path) -> tuple[AppSetting | None, dict[str, Host]]:
    """The checkout's settings and its hosts, generated ones included. Raises ``BadInput`` with file and line."""
    main = _read(checkout / "invoke.yaml")
    added = _read(checkout / ".switchyard" / "hosts.yaml")
    hosts = {**(main.hosts or {}), **(added.hosts or {})}
    return main.app, {name: Host(name, setting, checkout, main.app) for name, setting in hosts.items()}


def host(checkout: Path, name: str) -> Host:
    """One host by its name; the known ones are listed when there is none."""
    _, hosts = load(checkout)
    if name not in hosts:
        near = difflib.get_close_matches(name, hosts, 1)
        known = ", ".join(sorted(hosts)) or "none: add one under `hosts:` in invoke.yaml, or run inv sandbox.up"
        raise BadInput(
            f"no host is called {name!r}" + (f"; did you mean {near[0]!r}?" if near else "") + f" Known hosts: {known}"
        )
    return hosts[name]


def application(host: Host, own: str | None, path: str) -> App:
    """The application's settings: its own from the commit that ships, the checkout's over them."""
    base = _parse(own, "invoke.yaml of the commit").app if own else None
    merged: dict[str, Any] = {}
    for setting in (base, host.app_setting):
        if setting is not None:
            merged.update(setting.model_dump(exclude_none=True))
    name = merged.get("name") or host.app_folder.name.lower()
    merged.update(name=name, path=path)
    return _app(merged)


def _app(merged: Mapping[str, Any]) -> App:
    values = dict(merged)
    if "routes" in values:
        values["routes"] = tuple(values["routes"])
    for key in ("writable", "smoke"):
        if key in values:
            values[key] = tuple(values[key])
    values["volumes"] = {name: entry.get("external", name) for name, entry in values.get("volumes", {}).items()}
    values["checks"] = {name: Check(**check) for name, check in values.get("checks", {}).items()}
    if "migrations" in values:
        migrations: dict[str, Any] = {
            key: tuple(item) if isinstance(item, list) else item for key, item in values["migrations"].items()
        }
        values["migrations"] = Migrations(**migrations)
    return App(**values)


def environment(host: Host) -> str:
    """The env file's text that the host's settings name; nothing where they name none."""
    env = host.setting.env
    if env is None:
        return ""
    if env.command is not None:
        done = subprocess.run(env.command, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0:
            raise BadInput(f"hosts.{host.name}.env.command: {env.command[0]} ended with {done.returncode}")
        return done.stdout
    parts = []
    for name in env.files or ():
        path = Path(os.path.expanduser(name))
        path = path if path.is_absolute() else host.checkout / path
        if not path.exists():
            raise BadInput(f"hosts.{host.name}.env.files: {path} does not exist")
        parts.append(path.read_text())
    return "\n".join(parts)


def env_values(text: str) -> dict[str, str]:
    """The variables of an env file's text."""
    values = {}
    for line in text.splitlines():
        line = line.strip()
        if line and not line.startswith("#") and "=" in line:
            key, value = line.removeprefix("export ").split("=", 1)
            quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
            values[key.strip()] = value[1:-1] if quoted else value
    return values


def _read(path: Path) -> _File:
    try:
        text = path.read_text()
    except FileNotFoundError:
        return _File()
    return _parse(text, str(path))


def _parse(text: str, where: str) -> _File:
    try:
        value = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise BadInput(f"{where}{line}: not YAML: {getattr(error, 'problem', error)}") from None
    if not isinstance(value, dict):
        raise BadInput(f"{where}: settings are a mapping, with `app:` and `hosts:`")
    try:
        return _File.model_validate(value)
    except ValidationError as error:
        raise BadInput("\n".join(_sentence(problem, text, where) for problem in error.errors())) from None


def _sentence(problem: Any, text: str, where: str) -> str:
    path = [str(part) for part in problem["loc"]]
    message = problem["msg"]
    if problem["type"] == "extra_forbidden":
        near = difflib.get_close_matches(path[-1], _known_keys(), 1)
        message = "unknown key" + (f"; did you mean {near[0]}?" if near else "")
    return f"{where}:{_line(text, path)}: {'.'.join(path)}: {message}"


def _known_keys() -> set[str]:
    models: tuple[type[BaseModel], ...] = (
        AppSetting,
        HostSetting,
        Machine,
        EnvSetting,
        RouteSetting,
        CheckSetting,
        MigrationsSetting,
    )
    return {field for model in models for field in model.model_fields}


def _line(text: str, path: list[str]) -> int:
    """The line of the innermost key of a path that stands in the text."""
    node, line = yaml.compose(text), 1
    for part in path:
        children: list[tuple[str, Any, Any]] = []
        if isinstance(node, yaml.MappingNode):
            children = [(str(key.value), key, value) for key, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            children = [(str(index), item, item) for index, item in enumerate(node.value)]
        match = next((child for child in children if child[0] == part), None)
        if match is None:
            break
        line, node = match[1].start_mark.line + 1, match[2]
    return line
