"""The settings as typed values: an application, its hosts and their machines."""

from __future__ import annotations

import ipaddress
import os
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, StrictBool, model_validator

from switchyard.core import kinds
from switchyard.core.app import BODY_BYTES_MOST, HEADER_BYTES_LEAST, HEADER_BYTES_MOST, SOURCE_MOST, WAIT_MOST
from switchyard.core.secrecy import names_a_secret
from switchyard.settings.allow import AllowSetting
from switchyard.settings.fields import (
    PORT_MAX,
    Command,
    Pattern,
    Place,
    Port,
    RequestPath,
    RouteName,
    RoutePath,
    Seconds,
    Section,
    ServiceName,
    VolumeName,
)
from switchyard.settings.predeploy import PredeploySetting

NAME = r"^[a-z0-9][a-z0-9_-]{0,39}$"
PROXIES_MOST = 256
"""Networks of proxies. The edge compares each address with all of them."""


def _listen(value: JsonValue) -> str | None:
    """Return ``8080`` or ``127.0.0.1:8080`` as text. Raise ``ValueError`` for anything else."""
    if value is None:
        return None
    address, _, port = str(value).rpartition(":")
    is_address = re.fullmatch(r"(\d{1,3}\.){3}\d{1,3}|\[[0-9a-fA-F:.]+\]|", address) is not None
    if isinstance(value, bool) or not is_address or not port.isdigit() or not 1 <= int(port) <= PORT_MAX:
        raise ValueError("expected a port of the host, or ADDRESS:PORT with a numeric address, such as 127.0.0.1:8080")
    return str(value)


def _container_port(value: JsonValue) -> str:
    """Return ``80``, ``5000-5010`` or ``53/udp`` as text. Raise ``ValueError`` for anything else."""
    match = re.fullmatch(r"(\d+)(?:-(\d+))?(?:/(tcp|udp|sctp))?", str(value))
    numbers = [int(number) for number in match.groups()[:2] if number] if match else []
    if (
        isinstance(value, bool)
        or not numbers
        or numbers[0] > numbers[-1]
        or not all(1 <= n <= PORT_MAX for n in numbers)
    ):
        raise ValueError("expected a port of the container such as 9229, 5000-5010 or 53/udp")
    return str(value)


def _kind(name: str) -> str:
    """Return the name of a kind. Raise ``ValueError`` for any other text."""
    if name not in kinds.NAMES:
        raise ValueError(f"expected one of {', '.join(kinds.NAMES)}")
    return name


def _version(value: JsonValue) -> JsonValue:
    """Return a version as text, also where YAML reads a number."""
    return str(value) if isinstance(value, float) else value


class RouteSetting(Section):
    """One entry of ``routes``."""

    service: ServiceName
    port: Port
    listen: Annotated[str | None, BeforeValidator(_listen)] = None
    mode: Literal["http", "tcp"] | None = None
    affinity: StrictBool = False
    host: RouteName | None = None
    path: RoutePath | None = None
    tls: StrictBool = False

    @model_validator(mode="after")
    def _is_readable(self) -> RouteSetting:
        if self.tls and (self.mode == "tcp" or not self.host):
            raise ValueError("tls: true needs a host, whose certificate the edge shows, and no mode: tcp")
        if self.mode == "tcp" and (self.host or self.path):
            raise ValueError("mode: tcp is passed on unread, so it has no host and no path. Remove them, or the mode")
        return self


def _told_apart(routes: list[RouteSetting]) -> list[RouteSetting]:
    """Return routes of which no two are one. Raise ``ValueError`` with those that are."""
    first: dict[tuple[str | None, ...], int] = {}
    problems = []
    for number, route in enumerate(routes, 1):
        identity = (route.listen, route.host, route.path or None)
        if route.listen is not None and (earlier := first.setdefault(identity, number)) != number:
            words = " ".join(filter(None, (route.listen, route.host, route.path)))
            problems.append(f"entries {earlier} and {number} are one route, {words}")
    if problems:
        raise ValueError("; ".join(problems) + ". Give one of each two another listen, host or path, or remove it")
    return routes


class CheckSetting(Section):
    """One entry of ``checks``."""

    port: Port
    path: RequestPath | None = None
    status: Annotated[int, Field(strict=True, ge=100, le=599)] | None = None
    body: str | None = None


class TlsSetting(Section):
    """``tls``: how the edge speaks TLS to clients."""

    least: Annotated[Literal["1.2", "1.3"], BeforeValidator(_version)] = "1.2"
    hsts: Annotated[int, Field(strict=True, ge=1)] | None = None
    redirect: StrictBool = True


class MigrationsSetting(Section):
    """``migrations``."""

    service: ServiceName
    current: list[str] = []
    pending: list[str] = []
    files: Pattern | None = None
    apply: list[str] = []
    repeat: Literal["always", "never"] = "always"


class VolumeSetting(Section):
    """One entry of ``volumes``: the existing engine volume that a volume of the Compose file uses."""

    external: VolumeName


def _network(value: JsonValue) -> str:
    """Return a network in its one spelling. Raise ``ValueError`` for anything else."""
    try:
        network = ipaddress.ip_network(value) if isinstance(value, str) else None
    except ValueError as error:
        raise ValueError(f"expected a network such as 10.0.0.0/8 or 192.0.2.7: {error}") from None
    if network is None:
        raise ValueError("expected a network such as 10.0.0.0/8 or 192.0.2.7")
    if is_everybody(network):
        raise ValueError(f"{network} is every address: then every client could say who it is. Name your proxies")
    return network.compressed


def is_everybody(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    """Return whether a network holds every address of its family."""
    return network.prefixlen == 0


def _required_listen(value: JsonValue) -> str:
    listen = _listen(value)
    if listen is None:
        raise ValueError("expected a port of the host, or ADDRESS:PORT")
    return listen


class LimitsSetting(Section):
    """``limits``: what the edge lets one client do."""

    headers_within: Annotated[int | None, Field(strict=True, ge=1, le=WAIT_MOST)] = None
    body_within: Annotated[int | None, Field(strict=True, ge=0, le=WAIT_MOST)] = None
    header_bytes: Annotated[int | None, Field(strict=True, ge=HEADER_BYTES_LEAST, le=HEADER_BYTES_MOST)] = None
    body_bytes: Annotated[int | None, Field(strict=True, ge=0, le=BODY_BYTES_MOST)] = None
    source_requests: Annotated[int | None, Field(strict=True, ge=0, le=SOURCE_MOST)] = None
    source_connections: Annotated[int | None, Field(strict=True, ge=0, le=SOURCE_MOST)] = None


class AppSetting(Section):
    """``app`` of the application's own folder, or of the checkout, which wins."""

    name: Annotated[str | None, Field(pattern=NAME)] = None
    path: str | None = None
    compose: str | None = None
    kinds: dict[ServiceName, Annotated[str, AfterValidator(_kind)]] | None = None
    routes: Annotated[list[RouteSetting], AfterValidator(_told_apart)] | None = None
    ignored_ports: dict[ServiceName, list[Annotated[str, BeforeValidator(_container_port)]]] | None = None
    volumes: dict[str, VolumeSetting] | None = None
    data: dict[str, Place] | None = None
    writable: list[str] | None = None
    checks: dict[ServiceName, CheckSetting] | None = None
    migrations: MigrationsSetting | None = None
    smoke: list[str] | None = None
    standby: Seconds | None = None
    drain: Seconds | None = None
    hold: Annotated[int, Field(strict=True, ge=1, le=600)] | None = None
    healthy_within: Annotated[int, Field(strict=True, ge=1)] | None = None
    release_header: StrictBool | None = None
    limits: LimitsSetting | None = None
    tls: TlsSetting | None = None
    predeploy: PredeploySetting | None = None
    allow: AllowSetting | None = None
    """Read from a checkout whose settings the application's repository does not track, and from nowhere else."""

    def overridden_by(self, other: AppSetting | None) -> AppSetting:
        """Return these settings with each key that ``other`` sets taken from there, whole."""
        if other is None:
            return self
        values = {name: getattr(other, name) for name in AppSetting.model_fields}
        return self.model_copy(update={name: value for name, value in values.items() if value is not None})


class Machine(Section):
    """One machine of a host."""

    name: str
    address: str
    port: Port = 22
    user: str | None = None
    key: str | None = None


def _public_key(key: str) -> str:
    """Return a key whose value may be shown. Raise ``ValueError`` for one that names a secret."""
    if names_a_secret(key):
        raise ValueError(f"{key} names a secret, so its value is never shown. Remove it from the list, or rename it")
    return key


class EnvSetting(Section):
    """Where a host's env comes from: one of three sources."""

    files: list[str] | None = None
    command: Command | None = None
    host: StrictBool | None = None
    named: dict[str, str] = Field({}, alias="as")
    """Env file of the compose file that git does not track to the file of the control node that stands for it."""
    public: list[Annotated[str, AfterValidator(_public_key)]] = []
    """Keys whose values may be shown."""

    @model_validator(mode="after")
    def _has_one_source(self) -> EnvSetting:
        sources = sum(source is not None for source in (self.files, self.command, self.host or None))
        if sources > 1 or (sources == 0 and not self.named):
            raise ValueError("give exactly one of files, command and host: true")
        return self


class CertificateSetting(Section):
    """One entry of ``certificates``: files of the control node, relative to the checkout."""

    certificate: str
    """The certificate, followed by those that lead to its authority."""
    key: str


class HostSetting(Section):
    """One entry of ``hosts``."""

    machines: list[Machine] = Field(min_length=1)
    app: AppSetting | None = None
    env: EnvSetting | None = None
    url: str | None = None
    root: Place | None = None
    build_ssh: dict[str, Annotated[str, Field(pattern=r"^/[^\x00-\x1f=]+$")]] = {}
    """Id of an SSH key of builds to the key file on the host."""
    certificates: dict[RouteName, CertificateSetting] = {}
    trusted_proxies: Annotated[list[Annotated[str, BeforeValidator(_network)]], Field(max_length=PROXIES_MOST)] = []
    """Networks of the proxies in front of the edge, whose word about a client counts."""
    proxy_protocol: list[Annotated[str, BeforeValidator(_required_listen)]] = []
    """Public addresses at which those proxies speak the PROXY protocol."""
    real_addresses: StrictBool = False
    """Whether somebody saw that clients reach the edge by their own addresses."""

    @model_validator(mode="after")
    def _knows_who_speaks_the_proxy_protocol(self) -> HostSetting:
        if self.proxy_protocol and not self.trusted_proxies:
            raise ValueError(
                "proxy_protocol: name the networks of those who speak it in trusted_proxies. From anybody else it "
                "would be a client's word"
            )
        return self

    @property
    def public_keys(self) -> tuple[str, ...]:
        """The keys of its env whose values may be shown."""
        return tuple(self.env.public) if self.env is not None else ()


class Host:
    """A host of the checkout with its application's settings. The name is empty where a verb runs without a host."""

    def __init__(self, name: str, setting: HostSetting, checkout: Path, app: AppSetting | None) -> None:
        self.name = name
        self.setting = setting
        self.checkout = checkout
        self.app_setting = AppSetting().overridden_by(app).overridden_by(setting.app)
        """``app`` of the checkout, overridden by ``app`` of the host."""

    @property
    def app_folder(self) -> Path:
        """The application's folder in its git repository."""
        path = Path(os.path.expanduser(self.app_setting.path or "."))
        return (path if path.is_absolute() else self.checkout / path).resolve()
