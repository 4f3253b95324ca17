"""The lease of a host, kept in a file under the lock: taken, renewed, given back and freed."""

from __future__ import annotations

import contextlib
import os
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from switchyard.core.errors import LEASE_HELD, Refused, SwitchyardError
from switchyard.core.lease import LASTS, FreeLease, Lease, ended, kernel_boot
from switchyard.core.wire.message import WireError
from switchyard.core.wire.request import Holder, Operator
from switchyard.host.adapters.files import DamagedFile, decode, put_aside, read_bytes, read_json, write_json
from switchyard.host.adapters.kernel import UNSEEN, boot_id, now, process_start
from switchyard.host.adapters.life import PROCESS, is_held
from switchyard.host.adapters.lock import Lock

REPAIR = (
    "Nobody can tell who acts on this host now. See that nobody does, then run inv unlock --force --reason WHY: it "
    "keeps the damaged file and makes a new one"
)


class LeaseHeld(Refused):
    """Another attempt holds the lease."""

    exit = LEASE_HELD

    def __init__(self, lease: Lease) -> None:
        since = time.strftime("%H:%M:%S", time.localtime(lease.since))
        super().__init__(
            f"{lease.who} holds the lease: {lease.doing} since {since}. Wait for it, or follow it with inv status"
        )
        self.holder = Holder(lease.attempt, lease.operator)


class Superseded(SwitchyardError):
    """Another attempt holds the lease now: this one does nothing more."""


class Taken(NamedTuple):
    """A lease that was taken."""

    number: int
    """The fencing number that every act of the attempt compares."""
    before: Lease | None
    """The lease that it was taken over from."""
    why: str | None
    """From whom, and why that was possible; None where the lease was free."""


def is_running(lease: Lease) -> bool | None:
    """Return whether the program that took a lease without a lock still runs, by its process and start time.

    None where its process cannot be seen: in another PID namespace, or where process 1 is hidden and so may others be.
    """
    here, started = boot_id(), process_start(lease.pid)
    if lease.boot != here or (started is None and here.endswith(UNSEEN)):
        return None
    return started == lease.started


class LeaseKeeper:
    """The lease of one application on this host."""

    def __init__(self, root: Path, lock: Lock) -> None:
        self._path = root / "lease.json"
        self._attempts = root / "attempts"
        self._lock = lock

    def current(self) -> Lease | None:
        """Return the lease as it stands in its file; None where nobody holds one."""
        lease = self._read()
        return lease if isinstance(lease, Lease) else None

    def holder(self) -> tuple[Lease | None, str | None]:
        """Return the lease, and why it no longer holds, if so."""
        while (lease := self.current()) is not None:
            why = ended(lease, boot=boot_id(), now=now(), alive=self.lives(lease))
            if why is None or self.current() == lease:  # else it was given back just before its program ended
                return lease, why
        return None, None

    def lives(self, lease: Lease) -> bool | None:
        """Return whether the program that took a lease lives, whatever has become of the lease; None: unknown."""
        if kernel_boot(lease.boot) != kernel_boot(boot_id()):
            return False
        if lease.lock is None:
            return is_running(lease)
        return is_held(self._attempts / lease.attempt / PROCESS, lease.lock)

    def is_over(self, lease: Lease) -> bool:
        """Return whether the program that took a lease acts no more: it is dead, or unknown and its time is over."""
        lives = self.lives(lease)
        return not lives if lives is not None else now() - lease.renewed > LASTS

    def take(
        self,
        attempt: str,
        doing: str,
        who: str,
        *,
        over: Lease | None = None,
        because: str = "",
        operator: Operator | None = None,
        lock: int | None = None,
    ) -> Taken:
        """Take the lease with a higher number. Raise ``LeaseHeld`` where another attempt holds it.

        ``over`` is a living holder, as the caller saw it, that may be taken over from, and ``because`` says why.
        Whoever came since may not. ``lock``: the inode of the file that the program of the attempt locks.
        """
        with self._lock.hold():
            lease, why = self.holder()
            is_as_seen = lease is not None and over is not None and over.is_as(lease)
            if lease is not None and why is None and not is_as_seen:
                raise LeaseHeld(lease)
            number = self.last_number() + 1
            pid = os.getpid()
            self._write(
                Lease(
                    number=number,
                    attempt=attempt,
                    doing=doing,
                    who=who,
                    since=time.time(),
                    renewed=now(),
                    boot=boot_id(),
                    pid=pid,
                    started=process_start(pid) or "?",
                    operator=operator or Operator(),
                    lock=lock,
                )
            )
            from_whom = None if lease is None else f"took over from {lease.who} ({lease.doing}): {why or because}"
            return Taken(number, lease, from_whom)

    def give_back(self, number: int, lease: Lease) -> None:
        """Restore the lease of before a takeover, for what runs on under it, with a number that nobody acts by."""
        with self._lock.hold():
            self.guard(number)
            self._write(replace(lease, number=self.last_number() + 1))

    def last_number(self) -> int:
        """Return the fencing number of whoever took the lease last; 0 where nobody has."""
        lease = self._read()
        return 0 if lease is None else lease.number

    def guard(self, number: int) -> None:
        """Raise ``Superseded`` unless the fencing number is still this one."""
        if self.last_number() != number:
            raise Superseded("superseded: another attempt holds the lease, so this one does nothing more")

    def renew(self, number: int, *, switched: bool | None = None) -> None:
        """Let the lease last again from now. ``switched`` records on which side of the switch the attempt is."""
        with self._lock.hold():
            self.guard(number)
            lease = self.current()
            if lease is not None:
                switched = lease.switched if switched is None else switched
                self._write(replace(lease, renewed=now(), switched=switched))

    def free(self, number: int) -> None:
        """Free the lease if this number still holds it. The number itself stays, for the next one to be higher."""
        with self._lock.hold():
            if self.last_number() == number:
                self._write(FreeLease(number))

    def repair(self) -> str | None:
        """Put a damaged lease aside, and let nobody hold the next one. Return what was done; None where it is whole.

        Nobody knows the number of whoever held it. The next one is above every number that anybody was given: the
        seconds since the epoch, since numbers count attempts, or what stands in the damaged file.
        """
        with self._lock.hold():
            try:
                self._read()
            except DamagedFile as error:
                numbers = re.findall(rb'"number": (\d{1,18})\b', _remains(self._path))
                kept = put_aside(self._path)
                self._write(FreeLease(max([int(time.time()), *map(int, numbers)])))
                return f"{self._path.name} was damaged: {error.why}. It is kept as {kept}"
            return None

    def _read(self) -> Lease | FreeLease | None:
        try:
            value = read_json(self._path)
            if value is None:
                return None
            with contextlib.suppress(WireError):
                return FreeLease.decode(value)
            lease = decode(self._path, Lease, value)
            if lease.attempt != os.path.basename(lease.attempt) or "\0" in lease.attempt:
                raise DamagedFile(self._path, "attempt: expected the name of one")
            return lease
        except DamagedFile as error:
            raise DamagedFile(self._path, error.why, REPAIR) from None

    def _write(self, lease: Lease | FreeLease) -> None:
        write_json(self._path, lease.encode())


def _remains(path: Path) -> bytes:
    with contextlib.suppress(DamagedFile):
        return read_bytes(path) or b""
    return b""
