"""Everything that Switchyard keeps of one application on a host."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path

from switchyard.core import edge
from switchyard.core.held_routes import HeldRoute
from switchyard.core.wire.allowance import Allowance
from switchyard.host.adapters.disk import Reserve
from switchyard.host.adapters.files import (
    DamagedFile,
    decode,
    read_list,
    read_message,
    read_numbers,
    read_text,
    write,
    write_json,
)
from switchyard.host.adapters.journal import Journal
from switchyard.host.adapters.layout import Layout
from switchyard.host.adapters.lease import LeaseKeeper
from switchyard.host.adapters.ledger import Ledger
from switchyard.host.adapters.lock import Lock
from switchyard.host.adapters.releases import Releases

OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


class Store(Layout):
    """One application's folder on this host, with one keeper for each subject in it."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        lock = Lock(root)
        self.releases = Releases(self)
        self.journal = Journal(root, lock)
        self.lease = LeaseKeeper(root, lock)
        self.reserve = Reserve(root)
        self.ledger = Ledger(root, self.releases)

    def prepare(self) -> None:
        """Create what is missing: folders, reserve and the layout's version."""
        self.create()
        self.reserve.keep()
        self.mark()

    def digest(self, text: str) -> str:
        """Return a value's HMAC under a key that stays on this host: comparable, not readable."""
        path = self.root / "key"
        if not path.exists():
            write(path, secrets.token_hex(32))
        key = read_text(path)
        if not key:
            raise DamagedFile(path, "it is empty", "Move it away: the next deploy makes another")
        return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()[:24]

    def linked_release(self, colour: str) -> str | None:
        """Return the release that was brought up in a colour last; None where there was none."""
        try:
            return os.path.basename(os.readlink(self.root / colour))
        except OSError:
            return None

    def scales(self) -> dict[str, int]:
        """Return how many containers ``inv scale`` asked for, by service."""
        return read_numbers(self.root / "scale.json")

    def set_scales(self, scales: Mapping[str, int]) -> None:
        """Write down how many containers ``inv scale`` asks for."""
        write_json(self.root / "scale.json", scales)

    def allowance(self) -> Allowance:
        """Return what commits may use beyond the env. Raise ``DamagedFile`` where others may write that."""
        path = self.root / "allow.json"
        with contextlib.suppress(FileNotFoundError):
            status = path.lstat()
            if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & OTHERS_MAY_WRITE:
                raise DamagedFile(path, "it is no file that this user alone may write")
        return read_message(path, Allowance) or Allowance()

    def set_allowance(self, allowance: Allowance) -> None:
        """Write down what the application's commits may use."""
        write_json(self.root / "allow.json", allowance.encode())

    def held_previews(self) -> dict[str, int]:
        """Return until when a person holds each colour's previews open, in seconds since the epoch."""
        return read_numbers(self.edge / "held_previews.json")

    def hold_preview(self, colour: str, until: int) -> None:
        """Write down until when a person holds a colour's previews open."""
        write_json(self.edge / "held_previews.json", {**self.held_previews(), colour: until})

    def held_addresses(self) -> tuple[HeldRoute, ...] | None:
        """Return the addresses that the edge holds, in their order; None where there is no edge yet."""
        path = self.edge / "routes.json"
        routes = read_list(path)
        return None if routes is None else tuple(decode(path, HeldRoute, route) for route in routes)

    def preview_port(self, address: HeldRoute, colour: str) -> int:
        """Return the loopback port of the preview of an address in a colour."""
        path, name = self.edge / "previews.json", edge.preview_name(address, colour)
        former = edge.backend_name(address, colour)  # what an older Switchyard called it
        ports = read_numbers(path)
        port = ports.get(name, ports.get(former))
        if port is None:
            raise DamagedFile(path, f"it lacks the preview {name}")
        return port
