"""Repair the lease and the journal of a host where nobody can read them any more."""

from __future__ import annotations

from switchyard.core.errors import LEASE_HELD, Refused
from switchyard.core.journal import TakeoverEntry
from switchyard.host.adapters.life import PROCESS
from switchyard.host.attempt import Attempt
from switchyard.host.channel.watchdog import is_gone


def repair(attempt: Attempt) -> list[str]:
    """Put a damaged lease and a broken journal aside. Return what was done. Without ``--force``, do nothing."""
    if not attempt.request.force:
        return []
    store = attempt.store
    journal, lease = store.journal.repair(attempt.author), store.lease.repair()
    if lease is not None:
        store.journal.append(TakeoverEntry(**attempt.author, what=lease))
    return [text for text in (journal, lease) if text is not None]


def others(attempt: Attempt) -> list[str]:
    """Return the attempts whose programs run beside this one, as a damaged lease no longer names its holder."""
    folders = [path.parent for path in attempt.store.attempts.glob(f"*/{PROCESS}")]
    return sorted(folder.name for folder in folders if folder.name != attempt.name and not is_gone(folder))


def refuse_beside(running: list[str]) -> None:
    """Refuse to go on beside programs that run on."""
    if running:
        raise Refused(
            f"the lease is repaired, but {', '.join(running)} still runs on this host. See what it waits for, or kill "
            "it, then run the command again",
            exit=LEASE_HELD,
        )
