"""The files of host keys that a connection trusts, as OpenSSH writes them: without what paramiko cannot read."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import paramiko
from paramiko.hostkeys import HostKeyEntry

from switchyard.core.regular_file import read_regular

AUTHORITY, REVOKED = "@cert-authority", "@revoked"


@dataclass(frozen=True)
class KnownHosts:
    """The lines of one file."""

    lines: list[str] = field(default_factory=list)
    """Those that paramiko reads: without authorities, damaged lines, and revoked keys."""
    notes: list[str] = field(default_factory=list)
    """Where the file trusts a certificate authority or revokes a key, for whoever meets an unknown key."""

    @contextlib.contextmanager
    def file(self) -> Iterator[str]:
        """Lend a file with these lines: paramiko reads nothing else."""
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", prefix="switchyard-") as copy:
            copy.writelines(f"{line}\n" for line in self.lines)
            copy.flush()
            yield copy.name

    def has(self, name: str) -> bool:
        """Return whether the file has a key of a host."""
        with self.file() as path:
            return paramiko.HostKeys(path).lookup(name) is not None


def read(path: Path) -> KnownHosts:
    """Read a file; one that does not exist has no lines. Raise ``OSError`` where it cannot be read."""
    if not path.exists():
        return KnownHosts()
    known = KnownHosts()
    revoked: set[bytes] = set()
    entries: list[tuple[str, HostKeyEntry]] = []
    for number, line in enumerate(read_regular(str(path), os).decode(errors="replace").splitlines(), 1):
        marker, _, rest = line.strip().partition(" ")
        if marker == AUTHORITY:
            known.notes.append(f"{path}:{number} trusts a certificate authority, which Switchyard does not ask")
        elif marker == REVOKED:
            known.notes.append(f"{path}:{number} revokes a key")
            entry = _entry(rest)
            revoked |= {entry.key.asbytes()} if entry else set()
        else:
            entry = _entry(line.strip())
            entries += [(line.strip(), entry)] if entry else []
    known.lines.extend(line for line, entry in entries if entry.key.asbytes() not in revoked)
    return known


def _entry(line: str) -> HostKeyEntry | None:
    """Return what a line says; None for a comment, and for what paramiko cannot read or compare."""
    if not line or line.startswith("#"):
        return None
    with contextlib.suppress(Exception):  # paramiko raises whatever its parser happens to meet
        entry = HostKeyEntry.from_line(line)
        if entry is not None and entry.key.asbytes():
            for name in entry.hostnames:
                if name.startswith("|"):
                    paramiko.HostKeys.hash_host("host", name)
            return entry
    return None
