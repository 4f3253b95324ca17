"""The layout of a host: every path, whole-file writes, the journal, the lease."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import hmac
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from switchyard.core import journal
from switchyard.core.errors import LEASE_HELD, Refused, SwitchyardError
from switchyard.core.lease import Lease, ended
from switchyard.core.wire.request import Operator

LAYOUT = 1
RESERVE = 8 << 20
"""Bytes that are set aside for the day on which the disk is full."""


class Held(Refused):
    """Somebody else holds the lease."""

    exit = LEASE_HELD

    def __init__(self, lease: Lease) -> None:
        since = time.strftime("%H:%M:%S", time.localtime(lease.since))
        super().__init__(
            f"{lease.who} holds the lease: {lease.doing} since {since}. Wait for it, or follow it with inv status"
        )
        self.holder = {"attempt": lease.attempt, "operator": lease.operator.encode()}


class Superseded(SwitchyardError):
    """Another attempt holds the lease now: this one does nothing more."""


def is_full(error: OSError) -> bool:
    """Whether a disk or a quota is used up."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def has_room(root: Path) -> bool:
    """Whether anything can be written at all."""
    found = os.statvfs(root)
    return found.f_bavail > 0 and (found.f_favail > 0 or not found.f_files)


def full(root: Path) -> str:
    """What is told of a full disk, or of one without inodes."""
    with contextlib.suppress(OSError):
        if os.statvfs(root).f_files and not os.statvfs(root).f_favail:
            return (
                f"the disk of {root} has no free inodes: remove files there (df -i tells which disk), and type it again"
            )
    return (
        f"the disk of {root} is full. Free some on the host, for example with docker builder prune, and type it again"
    )


def write(path: Path, text: str, mode: int = 0o600) -> None:
    """The file whole or not at all: written aside, synced, renamed."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY)
    os.fsync(directory)
    os.close(directory)


def append(path: Path, text: str) -> None:
    """More of a file, whole or not at all."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb", buffering=0) as file:
        size, data = file.seek(0, os.SEEK_END), text.encode()
        try:
            while data:
                data = data[file.write(data) :]
        except BaseException:
            file.truncate(size)
            raise


def write_json(path: Path, value: Any) -> None:
    """A JSON file, whole or not at all, for its owner only."""
    write(path, json.dumps(value, indent=1, sort_keys=True) + "\n")


def read_json(path: Path) -> Any:
    """The value of a JSON file; None where there is none."""
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return None


def boot_id() -> str:
    """The kernel's boot, with the start of process 1, which a restarted container changes."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip() + "/" + (process_start(1) or "?")


def process_start(pid: int) -> str | None:
    """When a process began, in the kernel's ticks; None when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return None
    return None if fields[0] == "Z" else fields[19]


def runs(lease: Lease) -> bool:
    """Whether the program that took a lease still runs, whatever has become of the lease."""
    return lease.boot == boot_id() and process_start(lease.pid) == lease.started


def now() -> float:
    """Seconds since the boot, sleep included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Store:
    """One application's folder on this host."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.releases = root / "releases"
        self.attempts = root / "attempts"
        self.repo = root / "repo.git"
        self.edge = root / "edge"
        self.shared = root / "shared"

    def prepare(self) -> None:
        """The folders, and the layout's version."""
        self.require_layout()
        for folder in (self.root, self.releases, self.attempts, self.edge, self.shared, self.root / "data"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._keep_reserve()
        mark = self.root / "layout"
        if not mark.exists():
            write(mark, f"{LAYOUT}\n")

    def require_layout(self) -> None:
        """Refuses a layout that a newer Switchyard has made; one that is not there yet is none."""
        with contextlib.suppress(FileNotFoundError):
            found = int((self.root / "layout").read_text())
            if found > LAYOUT:
                raise Refused(
                    f"{self.root} has layout {found}, newer than this Switchyard knows ({LAYOUT}): update Switchyard"
                )

    def _keep_reserve(self) -> None:
        """A file that is given up when the disk is full, so that the journal and a rollback can go on."""
        path = self.root / "reserve"
        if path.exists() or shutil.disk_usage(self.root).free < 8 * RESERVE:
            return
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
            os.posix_fallocate(file.fileno(), 0, RESERVE)

    def spend_reserve(self) -> bool:
        """Gives the reserve up; false where it is gone already."""
        try:
            (self.root / "reserve").unlink()
        except FileNotFoundError:
            return False
        return True

    def spending(self, act: Callable[[], None]) -> None:
        """Does something that writes; once more, with the room of the reserve, where the disk is full."""
        try:
            act()
        except OSError as error:
            if not is_full(error) or not self.spend_reserve():
                raise
            act()

    def release(self, name: str) -> Path:
        """The folder of a release."""
        return self.releases / name

    def record(self, name: str) -> dict[str, Any] | None:
        """A release's release.json."""
        found: dict[str, Any] | None = read_json(self.release(name) / "release.json")
        return found

    def update(self, name: str, **fields: Any) -> dict[str, Any]:
        """Changes fields of a release's release.json; one that somebody deleted stays away."""
        known = self.record(name)
        if known is None:
            return {}
        record = {**known, **fields}
        write_json(self.release(name) / "release.json", record)
        return record

    def records(self) -> list[dict[str, Any]]:
        """All releases here, the newest first, by the number that this host counts up."""
        found = [read_json(path) for path in self.releases.glob("*/release.json")]
        records: list[dict[str, Any]] = [record for record in found if record]
        return sorted(records, key=lambda record: -int(record["number"]))

    def secrets(self, name: str) -> list[str]:
        """A release's secret values: those of its env, and what its file secrets hold."""
        folder = self.release(name)
        found: list[str] = list(read_json(folder / "values.json") or ())
        for document in ("blue", "shared"):
            for entry in ((read_json(folder / f"{document}.json") or {}).get("secrets") or {}).values():
                with contextlib.suppress(OSError, UnicodeDecodeError):
                    found.append(Path(str(entry.get("file", ""))).read_text())
        return found

    def scales(self) -> dict[str, int]:
        """How many containers of a service were asked for, beside the one that each has."""
        found: dict[str, int] = read_json(self.root / "scale.json") or {}
        return found

    def next_number(self) -> int:
        """A number above that of every release so far."""
        path = self.root / "number"
        number: int = 1 + max([int(path.read_text()) if path.exists() else 0, *(r["number"] for r in self.records())])
        write(path, f"{number}\n")
        return number

    def digest(self, text: str) -> str:
        """A value's HMAC under a key that stays on this host: comparable, not readable."""
        path = self.root / "key"
        if not path.exists():
            write(path, secrets.token_hex(32))
        return hmac.new(path.read_text().encode(), text.encode(), hashlib.sha256).hexdigest()[:24]

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Held for the moment of one comparison or write; the kernel drops it when its holder dies."""
        with open(os.open(self.root / "lock", os.O_RDWR | os.O_CREAT, 0o600), "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def append(self, fields: Mapping[str, Any]) -> None:
        """One journal line, synced."""
        with self.locked():
            path = self.root / "journal.jsonl"
            before, seq, torn = None, 0, False
            if path.exists():
                text = path.read_bytes()
                torn = bool(text) and not text.endswith(b"\n")
                lines = text.decode(errors="replace").splitlines()
                before, seq = (lines[-1] if lines else None), len(lines)
            entry = journal.line(before, seq + 1, {**fields, "wall": round(time.time(), 3), "boot": round(now(), 3)})
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w") as file:
                file.write(("\n" if torn else "") + entry + "\n")
                file.flush()
                os.fsync(file.fileno())

    def journal(self) -> tuple[list[dict[str, Any]], list[str]]:
        """The journal's entries and what is wrong with it."""
        path = self.root / "journal.jsonl"
        return journal.read(path.read_text(errors="replace").splitlines()) if path.exists() else ([], [])

    def lease(self) -> Lease | None:
        """The lease as written; None where nobody holds one."""
        value = read_json(self.root / "lease.json")
        return Lease.decode(value) if value and value.get("attempt") else None

    def holder(self) -> tuple[Lease | None, str | None]:
        """The lease, and why it no longer holds, if so."""
        while (lease := self.lease()) is not None:
            dead = ended(lease, boot=boot_id(), now=now(), alive=runs(lease))
            if dead is None or self.lease() == lease:  # else given back just before its program ended
                return lease, dead
        return None, None

    def take(
        self,
        attempt: str,
        doing: str,
        who: str,
        *,
        over: Lease | None = None,
        operator: Mapping[str, Any] | None = None,
    ) -> tuple[int, Lease | None, str | None]:
        """The lease with a higher number, that of before, and why it was taken over. Held: refused with 75.

        ``over`` is a living holder, as it was seen, that may be taken over from; whoever else has come is not.
        """
        with self.locked():
            lease, dead = self.holder()
            seen = lease is not None and over is not None and over.is_as(lease)
            if lease is not None and dead is None and not seen:
                raise Held(lease)
            number = self.last_number() + 1
            mine = Lease(
                number,
                attempt,
                doing,
                who,
                time.time(),
                now(),
                boot_id(),
                os.getpid(),
                process_start(os.getpid()) or "?",
                operator=Operator.decode(operator or {}),
            )
            write_json(self.root / "lease.json", mine.encode())
            taken = None if lease is None else f"took over from {lease.who} ({lease.doing}): {dead or 'by force'}"
            return number, lease, taken

    def give_back(self, number: int, lease: Lease) -> None:
        """The lease as it was before this takeover, for what runs on under it; with a number that nobody acts by."""
        with self.locked():
            self.guard(number)
            write_json(self.root / "lease.json", replace(lease, number=self.last_number() + 1).encode())

    def last_number(self) -> int:
        """The fencing number of whoever took the lease last."""
        value = read_json(self.root / "lease.json")
        return int(value["number"]) if value else 0

    def guard(self, number: int) -> None:
        """Raises ``Superseded`` unless the fencing number is still this one."""
        if self.last_number() != number:
            raise Superseded("superseded: another attempt holds the lease; nothing more was done")

    def renew(self, number: int, **fields: Any) -> None:
        """The lease lasts again from now."""
        with self.locked():
            self.guard(number)
            value = read_json(self.root / "lease.json")
            write_json(self.root / "lease.json", {**value, "renewed": now(), **fields})

    def free(self, number: int) -> None:
        """Nobody holds the lease, if this number still did; the number itself is kept."""
        with self.locked():
            if self.last_number() == number:
                write_json(self.root / "lease.json", {"v": 1, "number": number, "attempt": None})
