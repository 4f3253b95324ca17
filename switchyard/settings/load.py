"""Load the settings from ``invoke.yaml`` of the checkout, of the application, and from the generated hosts."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import TypeVar

from switchyard.core.app import App, Check, Limits, Migrations, RouteEntry, Tls
from switchyard.core.errors import BadInput
from switchyard.settings import yaml_file
from switchyard.settings.model import AppSetting, Host, HostSetting, RouteSetting
from switchyard.settings.predeploy import PredeploySetting

T = TypeVar("T")
FOLDER = r"[a-z0-9][a-z0-9_-]*"
"""The form of a folder's name that can be an application's, in lower case."""


def load(checkout: Path) -> tuple[AppSetting | None, dict[str, Host]]:
    """Return the checkout's ``app`` and hosts, generated ones included. Raise ``BadInput`` with file and line."""
    main = yaml_file.read(checkout / "invoke.yaml")
    generated = yaml_file.read(checkout / ".switchyard" / "hosts.yaml")
    hosts = {**(generated.hosts or {}), **(main.hosts or {})}
    return main.app, {name: Host(name, setting, checkout, main.app) for name, setting in hosts.items()}


def nowhere(checkout: Path, app_folder: str | None = None) -> Host:
    """Return the checkout's application without a host, at ``app_folder`` if that is set."""
    app, hosts = load(checkout)
    setting = app or (next(iter(hosts.values())).app_setting if len(hosts) == 1 else None)
    if app_folder is not None:
        setting = (setting or AppSetting()).overridden_by(AppSetting(path=app_folder))
    if setting is None:
        raise BadInput(
            f"{checkout / 'invoke.yaml'}: no application is named. Add app: {{name, path}}, or use --app or --host"
            + (f" (hosts: {', '.join(sorted(hosts))})" if hosts else "")
        )
    return Host("", HostSetting.model_construct(machines=[]), checkout, setting)


def host(checkout: Path, name: str) -> Host:
    """Return a host by its name. Raise ``BadInput`` with the known names where there is none."""
    _, hosts = load(checkout)
    if name in hosts:
        return hosts[name]
    known = ", ".join(sorted(hosts)) or "none: add one under `hosts:` in invoke.yaml, or run inv sandbox.up"
    near = difflib.get_close_matches(name, hosts, 1)
    problem = f"no host is called {name!r}" + (f"; did you mean {near[0]!r}?" if near else ".")
    raise BadInput((problem if name else "name a host with --host NAME.") + f" Known hosts: {known}")


def application(host: Host, text: str | None, path: str) -> App:
    """Return an application's settings for the core.

    ``text`` is the ``invoke.yaml`` of the commit that ships; the checkout's settings override it. ``path`` is the
    application's folder, relative to the repository's top.
    """
    setting = _merged(host, text)
    default = App(setting.name or _name_of_folder(host), path)
    return App(
        default.name,
        path,
        _or(setting.compose, default.compose),
        kinds=dict(setting.kinds or {}),
        routes=None if setting.routes is None else tuple(map(_route, setting.routes)),
        ignored_ports={name: tuple(ports) for name, ports in (setting.ignored_ports or {}).items()},
        volumes={name: volume.external for name, volume in (setting.volumes or {}).items()},
        data=setting.data or {},
        writable=tuple(setting.writable or ()),
        checks={name: Check(c.port, c.path, c.status, c.body) for name, c in (setting.checks or {}).items()},
        migrations=_migrations(setting),
        smoke=tuple(setting.smoke or ()),
        standby=_or(setting.standby, default.standby),
        drain=_or(setting.drain, default.drain),
        hold=_or(setting.hold, default.hold),
        healthy_within=_or(setting.healthy_within, default.healthy_within),
        release_header=_or(setting.release_header, default.release_header),
        build_ssh=dict(host.setting.build_ssh),
        limits=_limits(setting),
        trusted_proxies=tuple(host.setting.trusted_proxies),
        proxy_protocol=tuple(host.setting.proxy_protocol),
        real_addresses=host.setting.real_addresses,
        tls=default.tls if setting.tls is None else Tls(setting.tls.least, setting.tls.hsts, setting.tls.redirect),
    )


def _name_of_folder(host: Host) -> str:
    """Return the name of an application that the settings do not name. Raise ``BadInput`` where it can be none."""
    name = host.app_folder.name.lower()
    if not re.fullmatch(FOLDER, name):
        raise BadInput(
            f"the folder {host.app_folder.name!r} cannot give its name to an application: only letters, digits, _ and "
            "- may stand there. Set app.name in invoke.yaml"
        )
    return name


def predeploy(host: Host, text: str | None) -> PredeploySetting:
    """Return the settings of the checks, from the commit's ``invoke.yaml`` and the checkout's, which wins."""
    return _merged(host, text).predeploy or PredeploySetting()


def _merged(host: Host, text: str | None) -> AppSetting:
    own = yaml_file.parse(text, "invoke.yaml of the commit").app if text else None
    return (own or AppSetting()).overridden_by(host.app_setting)


def _route(route: RouteSetting) -> RouteEntry:
    return RouteEntry(
        route.service, route.port, route.listen, route.mode, route.affinity, route.host, route.path, route.tls or None
    )


def _migrations(setting: AppSetting) -> Migrations | None:
    migrations = setting.migrations
    if migrations is None:
        return None
    return Migrations(
        migrations.service,
        tuple(migrations.current),
        tuple(migrations.pending),
        migrations.files,
        tuple(migrations.apply),
        migrations.repeat,
    )


def _limits(setting: AppSetting) -> Limits:
    named = {} if setting.limits is None else setting.limits.model_dump(exclude_none=True)
    return Limits(**named)


def _or(value: T | None, default: T) -> T:
    return default if value is None else value
