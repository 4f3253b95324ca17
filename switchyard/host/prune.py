"""What a host need not keep any longer; only under the lease, and never anything that runs or is gone back to."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from switchyard.core import edge, names
from switchyard.core.wire.release import ReleaseRecord
from switchyard.host.adapters import engine, process
from switchyard.host.attempt import Attempt

KEPT = 5
"""Good or unverified releases that stay on the host, the live one among them."""
CACHE_MOST = 10 << 30
"""Bytes of build cache that stay, those used last. An engine has one cache for all; no part of it is state."""
PRUNE_WITHIN = 30.0
"""Seconds, well within those that a lease lasts: nothing is renewed meanwhile."""
PACKS = 10
"""Deploys of which git keeps the packs apart; more are made one, without what is in no kept release's history."""
RECENT = {"attempts": 50, "bin": 5, "checked": 200}
"""Entries of the root's folders that stay, the newest."""


def prune(attempt: Attempt) -> None:
    """Keeps the newest good or unverified releases and what a colour holds; images only by this app's own label."""
    store, app = attempt.store, attempt.request.app
    site = attempt.site()
    held = {site.blue.release, site.green.release}
    for record in superfluous(store.releases.records(), held):
        for service in record.images:
            process.run(["docker", "rmi", names.tag(app, service, record.id)], check=False, tick=attempt.tick)
        _remove(store.release(record.id))
    for folder in store.releases_folder.iterdir():  # what was not received whole, with its env
        if store.releases.record(folder.name) is None and folder.name not in held:
            _remove(folder)
    shrink(attempt)
    forget(attempt)
    leftovers = ["docker", "image", "prune", "-f", "--filter", f"label={names.APP}={app}"]
    process.run(leftovers, check=False, tick=attempt.tick)
    trim_cache(CACHE_MOST)


def shrink(attempt: Attempt) -> None:
    """What is in no release's history goes from the repository, its objects when there are many packs.

    The history itself stays: whether a commit descends from the live one is looked at here.
    """
    git = ["git", "--git-dir", str(attempt.store.repo)]
    for ref in process.run([*git, "for-each-ref", "--format=%(refname)", "refs/switchyard"])[1].split():
        if attempt.store.releases.record(ref.removeprefix("refs/switchyard/")) is None:
            process.run([*git, "update-ref", "-d", ref], check=False)
    limits = [f"gc.autoPackLimit={PACKS}", "gc.pruneExpire=now", "gc.autoDetach=false"]
    options = [word for limit in limits for word in ("-c", limit)]
    process.run([*git, *options, "gc", "--auto", "--quiet"], check=False, tick=attempt.tick)


def forget(attempt: Attempt) -> None:
    """Only the newest attempts, programs and marks of checked images stay, those of this attempt among them."""
    program = Path(__file__).parents[2]
    mine = (attempt.folder, program)
    if program.parent == attempt.store.root / "bin":
        os.utime(program)  # the one that is used is the newest
    for name, most in RECENT.items():
        folder = attempt.store.root / name
        found = sorted(folder.iterdir(), key=os.path.getmtime, reverse=True) if folder.is_dir() else []
        for path in found[most:]:
            if path.is_dir() and path not in mine:
                shutil.rmtree(path, ignore_errors=True)
            elif path not in mine:
                path.unlink(missing_ok=True)


def trim_cache(most: int) -> None:
    """Leaves so many bytes of the engine's build cache."""
    engine.trim_build_cache(most, within=PRUNE_WITHIN)


def superfluous(records: Sequence[ReleaseRecord], held: set[str | None]) -> list[ReleaseRecord]:
    """The releases that stay no longer, of all, the newest first: failed ones never push a good one out."""
    sound = [record for record in records if record.state in ("good", "unverified", "live")]
    others = [record for record in records if record not in sound]
    return [record for record in [*sound[KEPT:], *others[KEPT:]] if record.id not in held]


def _remove(folder: Path) -> None:
    """A release's folder, also where a container wrote into it as root, which only the engine may undo."""
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        removal = ["--entrypoint", "rm", edge.IMAGE, "-rf", f"/releases/{folder.name}"]
        mount = f"{folder.parent}:/releases"
        process.run(["docker", "run", "--rm", "--network", "none", "--user", "0", "-v", mount, *removal], check=False)
