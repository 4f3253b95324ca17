"""Which database the checks read: the host's, the one of an address, or an embedded one that the migrations built."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from switchyard.control import commit as git_source
from switchyard.core.compose_document import Document
from switchyard.core.errors import BadInput, NotChecked
from switchyard.core.images import POSTGRES_DATABASES, ImageReference
from switchyard.core.kinds import is_in_shared_project
from switchyard.predeploy.database.migration_version import in_order
from switchyard.predeploy.database.reader import Address, Reader
from switchyard.predeploy.database.reference_server import NEWEST, USER, Server, apply_files, major_of
from switchyard.predeploy.engine.subject import Subject
from switchyard.predeploy.reach import container_files as held
from switchyard.predeploy.reach import tunnel as forward
from switchyard.settings.predeploy import DatabaseSetting

GROUP = "database"
PORT = 5432
TLS = ("require", "verify-ca", "verify-full")
"""Values of ``sslmode`` with which a client speaks TLS or not at all."""
APPLY_WITHIN = 600
"""Seconds in which the application's own command must have built the schema."""
UNTIL = "SWITCHYARD_MIGRATION"
"""The variable that tells that command where to stop: the applied migrations by the ledger, with blanks between."""
_ITSELF = re.compile(r"localhost|127\..*|::1|host\.docker\.internal|172\.(?:1[6-9]|2\d|3[01])\..*|/.*")
"""Addresses at which every machine finds a server of its own, by the gateways of its engine's networks as well."""
NOT_ASKED = (
    "nothing names a database: set app.predeploy.database (an empty mapping will do), or files or apply of "
    "app.migrations, to have one looked at"
)


class CommandFailed(NotChecked):
    """The application's own command ended with an error."""


class State:
    """What the checks of one run share: the one reader of each machine, and the embedded servers."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.lock = threading.RLock()
        self._readers: dict[str, Reader | NotChecked] = {}
        self._servers: dict[tuple[int, str], Server] = {}
        self._built: dict[tuple[Any, ...], str | NotChecked] = {}

    def reader(self, subject: Subject) -> Reader:
        """Connections to a machine's database, all at one instant; the same for every check. Raises ``NotChecked``."""
        with self.lock:
            if subject.machine not in self._readers:
                self._readers[subject.machine] = self._opened(subject)
            found = self._readers[subject.machine]
            if isinstance(found, NotChecked):
                raise found
            return found

    def _opened(self, subject: Subject) -> Reader | NotChecked:
        try:
            setting = setting_of(subject)
            made = Reader(find(subject, self), setting.timeout, values_of(setting), subject.cancelled)
        except NotChecked as error:
            return error
        except BadInput as error:
            return NotChecked(str(error))
        subject.closing_after(GROUP).callback(made.close)
        return made

    def server(self, major: int, until: str = "") -> Server:
        """An embedded server of the nearest major version, or the one that the settings name; started once.

        Each run of the application's command has its own: it may make roles, which all databases of a server share.
        """
        named = setting_of(self.subject).reference
        installed = Path(named).expanduser() if named else None
        major = major_of(installed) if installed else 16 if major <= 16 else NEWEST
        with self.lock:
            if (major, until) not in self._servers:
                self._servers[major, until] = Server(major, installed)
                self.subject.closing_after(GROUP).callback(self._servers[major, until].close)
            return self._servers[major, until]

    def built(self, major: int, files: tuple[tuple[str, str], ...] | None, until: str = "") -> tuple[Server, str]:
        """A database in which these files were applied; without files, what the application's command builds.

        ``until``: where the command is to stop. Nobody may write to it: it is the template of copies.
        """
        server = self.server(major, until)
        key = (server.major, files, until)
        with self.lock:
            if key not in self._built:
                name = server.create(owner=_owner(self.subject))
                try:
                    if files is None:
                        _apply_command(self.subject, server, name, until)
                    else:
                        with server.open(name) as connection:
                            apply_files(connection, files)
                    self._built[key] = name
                except NotChecked as error:
                    self._built[key] = error
            found = self._built[key]
            if isinstance(found, NotChecked):
                raise found
            return server, found


def state_of(subject: Subject) -> State:
    """The state that the checks of this run share."""
    state: State = subject.once("database", lambda: State(subject))
    return state


def setting_of(subject: Subject) -> DatabaseSetting:
    """``app.predeploy.database``, or what holds where it is not set."""
    return subject.setting.database or DatabaseSetting()


def values_of(setting: DatabaseSetting) -> dict[str, str]:
    """The settings that the files of SQL read."""
    ignored = [name if "." in name else f"public.{name}" for name in setting.ignore]
    return {"switchyard.ignored": json.dumps(ignored), "switchyard.transaction": f"{setting.transaction}s"}


def not_asked(subject: Subject) -> str:
    """Why no database is looked at: the settings name none, and none runs that the compose document names."""
    migrations = subject.app.migrations
    if subject.setting.database is not None or (migrations is not None and (migrations.files or migrations.apply)):
        return ""
    found = services(subject.document)
    if not found:
        return NOT_ASKED
    runs = subject.live is not None or any(container.service in found for container in subject.containers)
    if names_address(subject) or runs:
        return ""
    name = next(iter(found))
    return f"no {name} runs yet, and nothing says how its schema is built: set app.migrations to have it built"


def names_address(subject: Subject) -> bool:
    """Whether the process's environment has the address of a database."""
    return bool(os.environ.get(setting_of(subject).url_from))


def find(subject: Subject, state: State) -> Address:
    """The database. What is configured and cannot be reached is not replaced by an embedded one."""
    setting = setting_of(subject)
    if subject.host is not None:
        return _of_host(subject, setting) or _embedded(subject, state, "a first deploy: ")
    url = os.environ.get(setting.url_from)
    if url:
        return _of_url(url, f"at the address in {setting.url_from}", setting, os.environ)
    return _embedded(subject, state, "")


def machines(subject: Subject) -> tuple[Subject, ...]:
    """The machines whose databases are looked at: one where they share it, or where none has any yet."""
    every = subject.per_machine()
    begun = any(each.live is not None or each.containers for each in every)
    return every if begun and len(every) > 1 and not _is_elsewhere(subject) else every[:1]


def _is_elsewhere(subject: Subject) -> bool:
    """Whether the address leads to one server, wherever it is asked from. What a machine calls itself does not."""
    setting = setting_of(subject)
    url = subject.env.get(setting.url_from)
    server = _of_url(url, "", setting, subject.env).parameters.get("host") if url else None
    of_machine = server is None or _ITSELF.fullmatch(str(server)) is not None
    return not of_machine and setting.service is None and server not in services(subject.document)


def server_major(subject: Subject) -> int:
    """The major version of the application's database, as its image says it; else the newest one."""
    found = services(subject.document)
    name = setting_of(subject).service or (next(iter(found)) if len(found) == 1 else None)
    match = re.match(r"(\d+)", found.get(name or "", ""))
    return int(match.group(1)) if match else NEWEST


def migration_files(subject: Subject) -> tuple[tuple[str, str], ...] | None:
    """Each file of the migrations with its text, in order; None where a command builds the schema."""
    migrations = subject.app.migrations
    if migrations is None or not (migrations.files or migrations.apply):
        raise NotChecked(
            "nothing says how the schema is built: set app.migrations.files (plain SQL in order) or "
            "app.migrations.apply (a command that gets DATABASE_URL)"
        )
    if not migrations.files:
        return None
    found = [str(path.relative_to(subject.folder)) for path in subject.folder.glob(migrations.files) if path.is_file()]
    if not found:
        raise NotChecked(f"app.migrations.files: no file matches {migrations.files}")
    return tuple(read(subject.folder / place, place) for place in sorted(found, key=in_order))


def read(path: Path, place: str) -> tuple[str, str]:
    """A file's place with its text."""
    return place, text_of(path.read_bytes(), place)


def text_of(data: bytes, place: str) -> str:
    """The very bytes of a file as text, with the ends of lines that it has. Raises ``NotChecked`` with its place."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise NotChecked(f"{place}:{line}: not UTF-8: convert the file, which is read as nothing else") from None


def text_at(subject: Subject, commit: str, place: str) -> str:
    """The same for a file of a commit of the application's."""
    data = git_source.git(subject.repository, "show", f"{commit}:{PurePath(subject.app.path) / place}")
    return text_of(data, f"{place} of {commit[:10]}")


def is_empty(subject: Subject) -> bool:
    """Whether an embedded database stands in that nothing filled."""
    return setting_of(subject).fixture is None and state_of(subject).reader(subject).address.source == "embedded"


def services(document: Document | None) -> dict[str, str]:
    """The services whose image is PostgreSQL's, each with the image's tag."""
    images = {
        name: ImageReference.parse(service.image or "")
        for name, service in (document.services if document is not None else {}).items()
    }
    return {name: image.tag for name, image in images.items() if image.name in POSTGRES_DATABASES}


def _embedded(subject: Subject, state: State, why: str) -> Address:
    setting = setting_of(subject)
    files = migration_files(subject)
    server, name = state.built(server_major(subject), files)
    own = "its migrations" if files is None else f"{len(files)} migration{'s' if len(files) != 1 else ''}"
    if setting.fixture is not None:
        path = subject.folder / setting.fixture
        if not path.is_file():
            raise NotChecked(f"app.predeploy.database.fixture: there is no {setting.fixture}")
        name = server.create(template=name)
        with server.open(name) as connection:
            apply_files(connection, [read(path, setting.fixture)])
    filled = f" and {setting.fixture}" if setting.fixture else ", without rows"
    return server.address(name, f"({why}embedded, built from {own}{filled})")


def _apply_command(subject: Subject, server: Server, name: str, until: str) -> None:
    """The application's own command, with the address of the embedded database and where to stop."""
    migrations = subject.app.migrations
    assert migrations is not None
    own = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}",
        "HOME": os.environ.get("HOME", "/"),
        "DATABASE_URL": f"postgresql://{USER}@/{name}?host={server.folder}",
        "PGHOST": str(server.folder),
        "PGUSER": USER,
        "PGDATABASE": name,
        **({UNTIL: until} if until else {}),
    }
    shown = " ".join(migrations.apply)
    try:
        done = subprocess.run(
            migrations.apply,
            capture_output=True,
            text=True,
            errors="replace",
            cwd=subject.folder,
            env=own,
            stdin=subprocess.DEVNULL,
            timeout=APPLY_WITHIN,
            check=False,
        )
    except OSError as error:
        raise NotChecked(f"app.migrations.apply: {shown}: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise NotChecked(f"app.migrations.apply: {shown} did not end within {APPLY_WITHIN} s") from None
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-3:]
        raise CommandFailed(f"app.migrations.apply: {shown} ended with {done.returncode}: {' / '.join(said)}")


def _owner(subject: Subject) -> str | None:
    """The role that the application's own server is set up with, which migrations may name."""
    found = list(services(subject.document))
    name = setting_of(subject).service or (found[0] if len(found) == 1 else None)
    return _variables(subject, name).get("POSTGRES_USER") if name else None


def _variables(subject: Subject, service: str) -> dict[str, str]:
    """A service's variables in the compose document, as the container sees them."""
    found = None if subject.document is None else subject.document.services.get(service)
    return {} if found is None else dict(found.environment)


def _of_url(url: str, words: str, setting: DatabaseSetting, env: Mapping[str, str]) -> Address:
    try:
        parameters = {key: value for key, value in conninfo_to_dict(_plain(url)).items() if value is not None}
    except psycopg.Error:
        raise NotChecked(
            f"{setting.url_from} is not an address of PostgreSQL: it has the form postgresql://USER:PASSWORD@SERVER/NAME"
        ) from None
    return _with_role(Address(words, "url", parameters), setting, env)


def _plain(url: str) -> str:
    """Without the driver that SQLAlchemy's addresses name: ``postgresql+psycopg://``."""
    return re.sub(r"^(postgres(?:ql)?)\+\w+://", r"\1://", url)


def _with_role(address: Address, setting: DatabaseSetting, env: Mapping[str, str]) -> Address:
    """With the role of least rights where one is named."""
    if setting.role is None:
        return address
    own = {"user": setting.role}
    if setting.password_from is not None:
        if not env.get(setting.password_from):
            raise NotChecked(f"app.predeploy.database.password_from: {setting.password_from} is not set")
        own["password"] = env[setting.password_from]
    kept = {key: value for key, value in address.parameters.items() if key not in ("user", "password")}
    return replace(address, parameters={**kept, **own})


def _of_host(subject: Subject, setting: DatabaseSetting) -> Address | None:
    """The host's database, through a forwarded channel; None before the first deploy."""
    if subject.document is None:
        raise NotChecked(f"the compose document names the database, and could not be resolved: {subject.unresolved}")
    found = services(subject.document)
    url = subject.env.get(setting.url_from)
    named = _of_url(url, f"of host {subject.host}", setting, subject.env).parameters if url else {}
    service = setting.service or (named.get("host") if named.get("host") in found else None)
    if service is None and len(found) == 1 and not named.get("host"):
        service = next(iter(found))
    if service is None and named.get("host"):
        target = (str(named["host"]), int(named.get("port") or PORT))
        return _forwarded(subject, setting, {**named}, f"at the address in {setting.url_from} of", target)
    if service is None:
        raise NotChecked(
            f"{len(found)} services have an image of PostgreSQL ({', '.join(found) or 'none'}): name the one that is "
            f"the database in app.predeploy.database.service, or its address in {setting.url_from}"
        )
    shared = [
        container
        for container in subject.containers
        if container.service == service and is_in_shared_project(container.kind)
    ]
    running = [container for container in shared if container.running and container.addresses]
    if not running:
        if subject.live is None and not shared:
            return None
        raise NotChecked(f"{subject.host}: no container of service {service} runs there; see inv status")
    known = {*named, *(["password"] if setting.role else [])}
    wanted = [name for name, word in held.VARIABLES.items() if word not in known]
    variables = held.given(subject, service, _variables(subject, service), wanted)
    user = variables.get("POSTGRES_USER", "postgres")
    parameters: dict[str, Any] = {
        "user": user,
        "dbname": variables.get("POSTGRES_DB", user),
        **({"password": variables["POSTGRES_PASSWORD"]} if "POSTGRES_PASSWORD" in variables else {}),
        **named,
    }
    target = (running[0].addresses[0], int(parameters.get("port") or PORT))
    return _forwarded(subject, setting, parameters, f"in service {service} of", target)


def _forwarded(
    subject: Subject, setting: DatabaseSetting, parameters: dict[str, Any], words: str, target: tuple[str, int]
) -> Address:
    kept = {key: value for key, value in parameters.items() if key not in ("host", "port", "hostaddr")}
    if kept.get("sslmode") in TLS:
        # libpq speaks TLS on no Unix socket.
        reach = {"host": parameters["host"], "hostaddr": "127.0.0.1", "port": forward.port_to(subject, *target)}
        if kept["sslmode"] == "verify-full":
            kept.setdefault("sslrootcert", "system")
    else:
        kept.pop("sslmode", None)
        reach = {"host": str(forward.socket_to(subject, *target).parent), "port": target[1]}
    address = Address(f"{words} host {subject.host}", "host", {**kept, **reach})
    return _with_role(address, setting, subject.env)
