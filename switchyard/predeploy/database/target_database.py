"""The database that the checks read: the host's, one at an address, or an embedded one that the migrations build."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace

import psycopg

from switchyard.control.allowances import Need
from switchyard.core.errors import NotChecked
from switchyard.core.kinds import is_in_shared_project
from switchyard.core.wire.allowance import Allowance
from switchyard.predeploy.database.apply_sql import apply_files
from switchyard.predeploy.database.connection import Address, Parameters
from switchyard.predeploy.database.database_setting import setting_of
from switchyard.predeploy.database.migration_files import migration_files
from switchyard.predeploy.database.postgres_services import (
    DATABASE_VARIABLE,
    PASSWORD_VARIABLE,
    USER_VARIABLE,
    postgres_services,
    server_major,
    variables_of,
)
from switchyard.predeploy.database.reference_databases import reference_databases
from switchyard.predeploy.database.sql_file import read_sql_file
from switchyard.predeploy.engine.subject import Subject
from switchyard.predeploy.reach import container_files, tunnel
from switchyard.settings.predeploy import DatabaseSetting

PATH = ("database",)
"""The settings of the database below ``app.predeploy``."""
PORT = 5432
TLS_MODES = ("require", "verify-ca", "verify-full")
"""Values of ``sslmode`` with which libpq refuses a connection without TLS."""
_LOCAL = re.compile(r"localhost|127\..*|::1|host\.docker\.internal|172\.(?:1[6-9]|2\d|3[01])\..*|/.*")
"""Addresses that lead each machine to a server of its own, the gateways of the engine's networks among them."""
NOT_NAMED = (
    "the settings name no database: set app.predeploy.database (an empty mapping is enough), or files or apply of "
    "app.migrations, to check one"
)


def reason_to_skip(subject: Subject) -> str:
    """Return why no database is checked; nothing where one is.

    None is checked where the settings name none, unless a service that runs PostgreSQL is up.
    """
    migrations = subject.app.migrations
    if subject.setting.database is not None or (migrations is not None and (migrations.files or migrations.apply)):
        return ""
    services = postgres_services(subject.document)
    if not services:
        return NOT_NAMED
    runs = subject.live is not None or any(container.service in services for container in subject.containers)
    if names_address(subject) or runs:
        return ""
    name = next(iter(services))
    return f"no {name} runs yet, and the settings do not say how to build its schema: set app.migrations"


def names_address(subject: Subject) -> bool:
    """Return whether the process's environment has the address of a database."""
    return bool(os.environ.get(setting_of(subject).url_from))


def _address_here(subject: Subject, setting: DatabaseSetting) -> str:
    """Return the address in this machine's environment, or nothing. Raise ``NotChecked`` where nobody allows that."""
    url = os.environ.get(setting.url_from, "")
    if url and setting.url_from != DatabaseSetting().url_from:
        subject.allowances.require([Need((*PATH, "url_from"), Allowance(env=(setting.url_from,)))])
    return url


def _require_password_allowed(subject: Subject, setting: DatabaseSetting) -> None:
    """Raise ``NotChecked`` for a password of another variable that goes to the address, where nobody allows that."""
    if setting.role is not None and setting.password_from is not None:
        send = {setting.url_from: (setting.password_from,)}
        subject.allowances.require([Need((*PATH, "password_from"), Allowance(send=send))])


def find_database(subject: Subject) -> Address:
    """Return the address of the database to check. Raise ``NotChecked`` where it cannot be reached.

    An embedded database never replaces one that the settings or the environment name.
    """
    setting = setting_of(subject)
    if subject.host is not None:
        return _of_host(subject, setting) or _embedded(subject, "a first deploy: ")
    url = _address_here(subject, setting)
    if url:
        _require_password_allowed(subject, setting)
        return _of_url(url, f"at the address in {setting.url_from}", setting, os.environ)
    return _embedded(subject, "")


def machines(subject: Subject) -> tuple[Subject, ...]:
    """Return the machines whose databases to check: one where all share a database, or where none has one yet."""
    every = subject.per_machine()
    begun = any(each.live is not None or each.containers for each in every)
    return every if begun and len(every) > 1 and not _is_shared(subject) else every[:1]


def _is_shared(subject: Subject) -> bool:
    """Return whether the address leads every machine to one server, which local addresses do not."""
    setting = setting_of(subject)
    url = subject.env.get(setting.url_from)
    server = _of_url(url, "", setting, subject.env).parameters.host if url else None
    is_local = server is None or _LOCAL.fullmatch(server) is not None
    return not is_local and setting.service is None and server not in postgres_services(subject.document)


def _embedded(subject: Subject, prefix: str) -> Address:
    setting = setting_of(subject)
    files = migration_files(subject)
    server, name = reference_databases(subject).build(server_major(subject), files)
    origin = "its migrations" if files is None else f"{len(files)} migration{'s' if len(files) != 1 else ''}"
    if setting.fixture is not None:
        if not (subject.folder / setting.fixture).is_file():
            raise NotChecked(f"app.predeploy.database.fixture: there is no {setting.fixture}")
        name = server.create(template=name)
        with server.open(name) as connection:
            apply_files(connection, [read_sql_file(subject.folder, setting.fixture)])
    rows = f" and {setting.fixture}" if setting.fixture else ", without rows"
    return server.address(name, f"({prefix}embedded, built from {origin}{rows})")


def _of_url(url: str, description: str, setting: DatabaseSetting, env: Mapping[str, str]) -> Address:
    """Return the database at an address. SQLAlchemy's name a driver as well: ``postgresql+psycopg://``."""
    try:
        parameters = Parameters.parse(re.sub(r"^(postgres(?:ql)?)\+\w+://", r"\1://", url))
    except psycopg.Error:
        raise NotChecked(
            f"{setting.url_from} holds no address of PostgreSQL: give it the form postgresql://USER:PASSWORD@SERVER/NAME"
        ) from None
    return Address(description, "url", _with_role(parameters, setting, env))


def _with_role(parameters: Parameters, setting: DatabaseSetting, env: Mapping[str, str]) -> Parameters:
    """Replace the login with the role of least rights, where the settings name one."""
    if setting.role is None:
        return parameters
    password = None
    if setting.password_from is not None:
        password = env.get(setting.password_from)
        if not password:
            raise NotChecked(f"app.predeploy.database.password_from: {setting.password_from} is not set")
    return replace(parameters, user=setting.role, password=password)


def _of_host(subject: Subject, setting: DatabaseSetting) -> Address | None:
    """Return the host's database, reached through the SSH connection; None before the first deploy."""
    if subject.document is None:
        raise NotChecked(f"cannot resolve the compose document, which names the database: {subject.unresolved}")
    services = postgres_services(subject.document)
    url = subject.env.get(setting.url_from)
    named = _of_url(url, "", setting, subject.env).parameters if url else Parameters()
    service = setting.service or (named.host if named.host in services else None)
    if service is None and len(services) == 1 and not named.host:
        service = next(iter(services))
    if service is None and named.host:
        target = (named.host, int(named.port or PORT))
        _require_password_allowed(subject, setting)
        return _forwarded(subject, setting, named, f"at the address in {setting.url_from} of", target)
    if service is None:
        raise NotChecked(
            f"{len(services)} services have an image of PostgreSQL ({', '.join(services) or 'none'}): name the one "
            f"that is the database in app.predeploy.database.service, or put its address into {setting.url_from}"
        )
    address = _container_address(subject, service)
    if address is None:
        return None
    parameters = _with_image_login(subject, setting, service, named)
    target = (address, int(parameters.port or PORT))
    return _forwarded(subject, setting, parameters, f"in service {service} of", target)


def _container_address(subject: Subject, service: str) -> str | None:
    """Return where a shared service answers on the machine; None before the first deploy. Raise ``NotChecked``."""
    shared = [
        container
        for container in subject.containers
        if container.service == service and is_in_shared_project(container.kind)
    ]
    running = [container for container in shared if container.running and container.addresses]
    if running:
        return running[0].addresses[0]
    if subject.live is None and not shared:
        return None
    raise NotChecked(f"{subject.host}: no container of service {service} runs there; see inv status")


def _with_image_login(subject: Subject, setting: DatabaseSetting, service: str, named: Parameters) -> Parameters:
    """Add the login that the image's variables define, where neither the address nor the settings name one."""
    known = {*named.by_name(), *(["password"] if setting.role else [])}
    needed = [variable for variable, parameter in container_files.VARIABLES.items() if parameter not in known]
    variables = container_files.with_file_values(subject, service, variables_of(subject, service), needed)
    user = variables.get(USER_VARIABLE, "postgres")
    return replace(
        named,
        user=user if named.user is None else named.user,
        dbname=variables.get(DATABASE_VARIABLE, user) if named.dbname is None else named.dbname,
        password=variables.get(PASSWORD_VARIABLE) if named.password is None else named.password,
    )


def _forwarded(
    subject: Subject, setting: DatabaseSetting, parameters: Parameters, description: str, target: tuple[str, int]
) -> Address:
    """Return the address of a forwarded channel to a server that the host reaches. libpq speaks TLS on no socket."""
    if parameters.sslmode in TLS_MODES:
        port = tunnel.port_to(subject, *target)
        certificates = "system" if parameters.sslmode == "verify-full" else None
        certificates = certificates if parameters.sslrootcert is None else parameters.sslrootcert
        reach = replace(parameters, hostaddr="127.0.0.1", port=str(port), sslrootcert=certificates)
    else:
        folder = tunnel.socket_to(subject, *target).parent
        reach = replace(parameters, host=str(folder), hostaddr=None, port=str(target[1]), sslmode=None)
    return Address(f"{description} host {subject.host}", "host", _with_role(reach, setting, subject.env))
