"""How the application's services log in to a server, as their variables say and the files that these name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import unquote, urlsplit

from switchyard.core.errors import NotChecked
from switchyard.predeploy.configuration.redis_tls import Tls
from switchyard.predeploy.engine.subject import Subject
from switchyard.predeploy.reach import container_files

PASSWORD_OPTION = "password"
"""The option of an address that sets the password."""


@dataclass(frozen=True)
class Login:
    """One way to log in to a server."""

    used_by: str
    """Each service that uses it, with the variable that says so."""
    user: str = ""
    password: str = ""
    database: str = ""
    port: int | None = None
    """The server's port, if not the default."""
    tls: Tls | None = None


@dataclass
class Clients:
    """The services of the application, which may log in to a server, and the files that they read."""

    subject: Subject
    problems: list[str] = field(default_factory=list)
    """Why a file could not be read, once for each attempt."""

    def variables(self) -> Iterator[tuple[str, Mapping[str, str]]]:
        """Yield each service with its variables."""
        assert self.subject.document is not None
        for name, service in self.subject.document.enabled.items():
            yield name, service.environment

    def with_files(self, service: str, variables: Mapping[str, str], names: Iterable[str]) -> dict[str, str] | None:
        """Return variables with the values of ``names`` that are in files; None where a file cannot be read."""
        try:
            return container_files.with_file_values(self.subject, service, variables, names)
        except NotChecked as error:
            self.problems.append(str(error))
            return None

    def text(self, service: str, path: str) -> str | None:
        """Return the text of a service's file; None where it cannot be read."""
        try:
            return container_files.read_files(self.subject, service, [path])[path]
        except NotChecked as error:
            self.problems.append(str(error))
            return None


def distinct(logins: Iterable[Login]) -> Iterator[Login]:
    """Yield each way to log in once, with everybody who uses it."""
    users: dict[Login, list[str]] = {}
    for login in logins:
        users.setdefault(replace(login, used_by=""), []).append(login.used_by)
    for login, used_by in users.items():
        yield replace(login, used_by=", ".join(dict.fromkeys(used_by)))


def variable_of(name: str, variables: Mapping[str, str]) -> str:
    """Return the variable that sets a value: the one of this name, or the one that names its file."""
    in_file = name + container_files.FILE_SUFFIX
    return in_file if variables.get(in_file) and not variables.get(name) else name


def from_parts(clients: Clients, client: str, variables: Mapping[str, str], server: str) -> Iterator[tuple[str, Login]]:
    """Yield a login for each variable such as ``DB_HOST`` that names the server, after the name of its password.

    User, password and database may each be in a file. User and database are empty where no variable sets them.
    """
    for alternatives in container_files.companions(variables, (server,)):
        names = [name for spellings in alternatives for name in spellings]
        complete = clients.with_files(client, variables, names)
        if complete is None:
            continue
        user, password, database = (
            next((name for name in spellings if name in complete), "") for spellings in alternatives
        )
        if password:
            used_by = f"{client} ({variable_of(password, variables)})"
            yield password, Login(used_by, complete.get(user, ""), complete[password], complete.get(database, ""))


def from_addresses(
    clients: Clients, client: str, variables: Mapping[str, str], server: str, scheme: str
) -> Iterator[Login]:
    """Yield a login for each address that leads to the server, in a variable or in the file that one names."""
    for variable, value in variables.items():
        is_in_file = value and variable.endswith(container_files.ADDRESS_FILES)
        address = (clients.text(client, value) if is_in_file else value) or ""
        try:
            parts = urlsplit(address)
            if not parts.scheme.startswith(scheme) or parts.hostname != server.lower():
                continue
            port = parts.port
        except ValueError:
            continue
        options = container_files.address_options(address)
        yield Login(
            f"{client} ({variable})",
            unquote(parts.username or ""),
            unquote(parts.password or "") or options.get(PASSWORD_OPTION, ""),
            unquote(parts.path.lstrip("/")),
            port,
            Tls(client, server, tuple(sorted(options.items()))) if parts.scheme == "rediss" else None,
        )
