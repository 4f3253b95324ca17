"""Choose the release that a rollback goes to."""

from __future__ import annotations

from collections.abc import Sequence

from switchyard.core.errors import Refused
from switchyard.core.wire.facts import LiveRelease
from switchyard.core.wire.release import ReleaseRecord
from switchyard.host.adapters.releases import Releases


def choose_kept(releases: Releases, live: LiveRelease | None, to: str | None) -> ReleaseRecord:
    """Return the release to go back to among those whose records can be read. Name the others where one is meant."""
    damaged = releases.damaged()
    for name, problem in damaged.items():
        if to and name.startswith(to):
            raise Refused(f"{name} cannot come back: {problem}")
    try:
        return choose(releases.readable_records(), live, to)
    except Refused as error:
        raise Refused("\n".join([str(error), *damaged.values()])) from None


def choose(records: Sequence[ReleaseRecord], live: LiveRelease | None, to: str | None) -> ReleaseRecord:
    """Return the release that ``to`` names, else the newest good or unverified one before the live release.

    ``records`` are in order, the newest first. Raise ``Refused`` where there is none, or ``to`` names several.
    """
    if to is not None:
        return _named(records, to)
    older = older_sound(records, None if live is None else live.number)
    if older is not None:
        return older
    raise Refused(
        "nothing to go back to: no kept release before the live one was good or unverified"
        + (f" (live is {live.id})" if live else "")
    )


def older_sound(records: Sequence[ReleaseRecord], number: int | None) -> ReleaseRecord | None:
    """Return the newest good or unverified release before that number; None where there is none."""
    older = (record for record in records if number is None or record.number < number)
    return next((record for record in older if record.state in ("good", "unverified")), None)


def _named(records: Sequence[ReleaseRecord], name: str) -> ReleaseRecord:
    """Return the release with this id, else the only one whose id or commit starts with it."""
    matches = [record for record in records if record.id == name] or [
        record for record in records if name and (record.commit.startswith(name) or record.id.startswith(name))
    ]
    if not matches:
        kept = ", ".join(record.id for record in records) or "none"
        raise Refused(f"no kept release is called {name!r}; kept are: {kept}")
    if len(matches) > 1:
        ids = ", ".join(f"{record.id} ({record.state})" for record in matches)
        raise Refused(f"{name} names several releases: {ids}. Give the whole id of one")
    return matches[0]
