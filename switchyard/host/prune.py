"""Delete what a host no longer needs: under the lease only, and never what runs or what a rollback may go to."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from switchyard.core import edge, image_names, names
from switchyard.core.wire.release import ReleaseRecord
from switchyard.host.adapters import engine, git, process
from switchyard.host.attempt import Attempt

KEPT = 5
"""Good or unverified releases that stay on the host, the live one among them."""
CACHE_MOST = 10 << 30
"""Bytes of build cache that stay, the last used ones. All applications share the engine's cache; it holds no state."""
PRUNE_WITHIN = 30.0
"""Seconds, well below those that a lease lasts: the request renews nothing."""
PACKS = 10
"""Packs, one a deploy, that git keeps apart. It merges more of them, without what is in no kept release's history."""
REFS = ("refs/switchyard", "refs/switchyard-trees")
"""Where the repository keeps the commit and the tree of each release."""
RECENT = {"attempts": 50, "bin": 5, "checked": 200}
"""Entries of the root's folders that stay, the newest."""


def prune(attempt: Attempt) -> None:
    """Keep the newest good or unverified releases and what a colour holds. Remove only images with our label."""
    store, app = attempt.store, attempt.request.app
    site = attempt.site()
    in_use = {site.blue.release, site.green.release}
    for record in superfluous(store.releases.readable_records(), in_use):
        for service in record.images:
            process.run(["docker", "rmi", names.tag(app, service, record.id)], check=False, tick=attempt.tick)
        for image in unnamed_pins(record):
            process.run(["docker", "rmi", image], check=False, tick=attempt.tick)
        _remove(store.release(record.id))
    for folder in store.releases_folder.iterdir():  # a release that did not arrive whole, with its env
        if folder.name not in store.releases.names() and folder.name not in in_use:
            _remove(folder)
    shrink(attempt)
    forget(attempt)
    leftovers = ["docker", "image", "prune", "-f", "--filter", f"label={names.APP}={app}"]
    process.run(leftovers, check=False, tick=attempt.tick)
    trim_cache(CACHE_MOST)


def unnamed_pins(record: ReleaseRecord) -> list[str]:
    """Return the pulled images of a deleted release that have no tag any more, and so no other user, by digest."""
    pins = {pin.image for pin in record.pins.values() if image_names.digest(pin.image)}
    return sorted(image for image in pins if engine.tags_of_image(image) == ())


def shrink(attempt: Attempt) -> None:
    """Drop the commits of deleted releases from the repository; git drops their objects once there are many packs.

    The history of kept releases stays: it tells whether a commit descends from the live one.
    """
    for ref in git.printed(attempt.store.repo, "for-each-ref", "--format=%(refname)", *REFS).decode().split():
        if ref.rpartition("/")[2] not in attempt.store.releases.names():
            process.run(git.argv(attempt.store.repo, "update-ref", "-d", ref), check=False, extra=git.ENVIRONMENT)
    limits = [f"gc.autoPackLimit={PACKS}", "gc.pruneExpire=now", "gc.autoDetach=false"]
    options = [word for limit in limits for word in ("-c", limit)]
    argv = git.argv(attempt.store.repo, *options, "gc", "--auto", "--quiet")
    process.run(argv, check=False, tick=attempt.tick, extra=git.ENVIRONMENT)


def forget(attempt: Attempt) -> None:
    """Keep only the newest attempts, programs and marks of checked images, and those that this attempt uses."""
    program = Path(__file__).parents[2]
    in_use = (attempt.folder, program)
    if program.parent == attempt.store.root / "bin":
        os.utime(program)  # so that the running program is the newest
    for name, most in RECENT.items():
        folder = attempt.store.root / name
        entries = sorted(folder.iterdir(), key=os.path.getmtime, reverse=True) if folder.is_dir() else []
        for path in entries[most:]:
            if path.is_dir() and path not in in_use:
                shutil.rmtree(path, ignore_errors=True)
            elif path not in in_use:
                path.unlink(missing_ok=True)


def trim_cache(most: int) -> None:
    """Leave so many bytes of the engine's build cache."""
    engine.trim_build_cache(most, within=PRUNE_WITHIN)


def superfluous(records: Sequence[ReleaseRecord], in_use: set[str | None]) -> list[ReleaseRecord]:
    """Return the releases to delete, of all, the newest first. Failed ones never push a good one out."""
    sound = [record for record in records if record.state in ("good", "unverified", "live")]
    others = [record for record in records if record not in sound]
    return [record for record in [*sound[KEPT:], *others[KEPT:]] if record.id not in in_use]


def _remove(folder: Path) -> None:
    """Delete a release's folder. What a container wrote into it as root, only the engine may delete."""
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        removal = ["--entrypoint", "rm", edge.IMAGE, "-rf", f"/releases/{folder.name}"]
        mount = f"{folder.parent}:/releases"
        process.run(["docker", "run", "--rm", "--network", "none", "--user", "0", "-v", mount, *removal], check=False)
