"""The settings: ``invoke.yaml`` of the checkout, of the application, and generated hosts, as typed values."""

from __future__ import annotations

import difflib
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, ValidationError, model_validator

from switchyard.core.app import App, Check, Migrations, RouteEntry
from switchyard.core.errors import BadInput
from switchyard.settings.fields import MOST_PORT, Command, Port, Seconds, Strict, known_keys
from switchyard.settings.predeploy import PredeploySetting

NAME = r"^[a-z0-9][a-z0-9_-]{0,39}$"
COMMAND_WITHIN = 60
"""Seconds in which a command that prints the env must end."""


def _listen(value: Any) -> str | None:
    """``8080`` or ``127.0.0.1:8080``, as text."""
    if value is None:
        return None
    address, _, port = str(value).rpartition(":")
    is_address = re.fullmatch(r"(\d{1,3}\.){3}\d{1,3}|\[[0-9a-fA-F:.]+\]|", address) is not None
    if isinstance(value, bool) or not is_address or not port.isdigit() or not 1 <= int(port) <= MOST_PORT:
        raise ValueError("a port of the host, or ADDRESS:PORT with a numeric address, such as 127.0.0.1:8080")
    return str(value)


class RouteSetting(Strict):
    """One entry of ``routes``."""

    service: str
    port: Port
    listen: Annotated[str | None, BeforeValidator(_listen)] = None
    mode: Literal["http", "tcp"] = "http"
    affinity: StrictBool = False
    host: str | None = None
    path: str | None = None
    tls: Any = None


class CheckSetting(Strict):
    """One entry of ``checks``."""

    port: Port
    path: str | None = None
    status: Annotated[int, Field(strict=True, ge=100, le=599)] | None = None
    body: str | None = None


class MigrationsSetting(Strict):
    """``migrations``."""

    service: str
    current: list[str] = []
    pending: list[str] = []
    files: str | None = None
    apply: list[str] = []
    repeat: Literal["always", "never"] = "always"


class VolumeSetting(Strict):
    """One entry of ``volumes``: the engine's volume that a volume of the compose file is."""

    external: str


class AppSetting(Strict):
    """``app``: what stands in the application's own folder, or in the checkout, which then wins."""

    name: str | None = Field(None, pattern=NAME)
    path: str | None = None
    compose: str | None = None
    kinds: dict[str, Literal["routed", "plain", "handover", "shared", "oneshot"]] | None = None
    routes: list[RouteSetting] | None = None
    volumes: dict[str, VolumeSetting] | None = None
    data: dict[str, str] | None = None
    writable: list[str] | None = None
    checks: dict[str, CheckSetting] | None = None
    migrations: MigrationsSetting | None = None
    smoke: list[str] | None = None
    standby: Seconds | None = None
    drain: Seconds | None = None
    healthy_within: Annotated[int, Field(strict=True, ge=1)] | None = None
    release_header: StrictBool | None = None
    predeploy: PredeploySetting | None = None


class Machine(Strict):
    """One machine of a host."""

    name: str
    address: str
    port: Port = 22
    user: str | None = None
    key: str | None = None


class EnvSetting(Strict):
    """Where a host's env comes from: one of the three."""

    files: list[str] | None = None
    command: Command | None = None
    host: StrictBool | None = None

    @model_validator(mode="after")
    def _is_one(self) -> EnvSetting:
        if sum(source is not None for source in (self.files, self.command, self.host or None)) != 1:
            raise ValueError("give one of files, command and host: true")
        return self


class HostSetting(Strict):
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
        self.app_setting = AppSetting(**_over(app, setting.app))

    @property
    def app_folder(self) -> Path:
        """The folder of the application, in some git repository."""
        path = Path(os.path.expanduser(self.app_setting.path or "."))
        return (path if path.is_absolute() else self.checkout / path).resolve()


def load(checkout: Path) -> tuple[AppSetting | None, dict[str, Host]]:
    """The checkout's settings and its hosts; generated ones are added. Raises ``BadInput`` with file and line."""
    main = _read(checkout / "invoke.yaml")
    added = _read(checkout / ".switchyard" / "hosts.yaml")
    hosts = {**(added.hosts or {}), **(main.hosts or {})}
    return main.app, {name: Host(name, setting, checkout, main.app) for name, setting in hosts.items()}


def nowhere(checkout: Path, app_folder: str | None = None) -> Host:
    """The application that the checkout names, without a host: its path, or the one that is given."""
    main, hosts = load(checkout)
    named = main or (next(iter(hosts.values())).app_setting if len(hosts) == 1 else None)
    if app_folder is not None:
        named = AppSetting(**{**_over(named), "path": app_folder})
    if named is None:
        raise BadInput(
            f"{checkout / 'invoke.yaml'}: no application is named; add app: {{name, path}}, or give --app or --host"
            + (f" (hosts: {', '.join(sorted(hosts))})" if hosts else "")
        )
    return Host("", HostSetting.model_construct(machines=[]), checkout, named)


def host(checkout: Path, name: str) -> Host:
    """One host by its name; the known ones are listed when there is none."""
    _, hosts = load(checkout)
    if name not in hosts:
        known = ", ".join(sorted(hosts)) or "none: add one under `hosts:` in invoke.yaml, or run inv sandbox.up"
        near = difflib.get_close_matches(name, hosts, 1)
        called = f"no host is called {name!r}" + (f"; did you mean {near[0]!r}?" if near else ".")
        raise BadInput((called if name else "say which host with --host NAME.") + f" Known hosts: {known}")
    return hosts[name]


def application(host: Host, own: str | None, path: str) -> App:
    """The application's settings: its own from the commit that ships, the checkout's over them."""
    merged = _over(_own(own), host.app_setting)
    merged.pop("predeploy", None)
    name = merged.get("name") or host.app_folder.name.lower()
    merged.update(name=name, path=path)
    return _app(merged)


def predeploy(host: Host, own: str | None) -> PredeploySetting:
    """What the checks look at: the application's own settings from the commit that ships, the checkout's over them."""
    return PredeploySetting(**_over(_own(own), host.app_setting).get("predeploy", {}))


def _own(own: str | None) -> AppSetting | None:
    return _parse(own, "invoke.yaml of the commit").app if own else None


def _over(*settings: AppSetting | None) -> dict[str, Any]:
    """What is set, key by key; the later of two wins."""
    merged: dict[str, Any] = {}
    for setting in settings:
        if setting is not None:
            merged.update(setting.model_dump(exclude_none=True))
    return merged


def _app(merged: Mapping[str, Any]) -> App:
    values = dict(merged)
    if "routes" in values:
        values["routes"] = tuple(RouteEntry(**entry) for entry in values["routes"])
    for key in ("writable", "smoke"):
        if key in values:
            values[key] = tuple(values[key])
    values["volumes"] = {name: entry["external"] for name, entry in values.get("volumes", {}).items()}
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
        return _printed(host, env.command)
    parts = []
    for name in env.files or ():
        path = Path(os.path.expanduser(name))
        path = path if path.is_absolute() else host.checkout / path
        if not path.exists():
            raise BadInput(f"hosts.{host.name}.env.files: {path} does not exist")
        parts.append(_text(path, f"hosts.{host.name}.env.files: "))
    return "\n".join(parts)


def _printed(host: Host, command: list[str]) -> str:
    """What the env command prints; it runs in the checkout."""
    where = f"hosts.{host.name}.env.command: {command[0]}"
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            timeout=COMMAND_WITHIN,
            check=False,
            cwd=host.checkout,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode != 0:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise BadInput(f"{where} ended with {done.returncode}{': ' + said[-1] if said else ''}")
        return done.stdout.decode()
    except OSError as error:
        raise BadInput(f"{where}: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise BadInput(f"{where} did not end within {COMMAND_WITHIN} s") from None
    except UnicodeDecodeError:
        raise BadInput(f"{where} printed what is not UTF-8") from None


def _text(path: Path, where: str = "") -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"{where}{path}: byte {error.start} is not UTF-8") from None
    except OSError as error:
        raise BadInput(f"{where}{path}: {error.strerror}") from None


def _read(path: Path) -> _File:
    return _parse(_text(path), str(path)) if path.exists() else _File()


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
    message = str(problem["msg"]).removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        near = difflib.get_close_matches(path[-1], known_keys(), 1)
        message = "unknown key" + (f"; did you mean {near[0]}?" if near else "")
    return f"{where}:{line_of(text, path)}: {'.'.join(path)}: {message}"


def line_of(text: str, path: list[str]) -> int:
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
