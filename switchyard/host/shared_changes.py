"""How the shared services of a commit differ from what runs."""

from __future__ import annotations

import json
from collections.abc import Mapping

from switchyard.core import names
from switchyard.core.compose_document import Document, changed_keys, services_of, volumes_of
from switchyard.core.wire.release import ReleaseRecord
from switchyard.host import backup
from switchyard.host.adapters.files import read_document, read_words
from switchyard.host.adapters.store import Store
from switchyard.host.release_images import moved, shared_images

REASONS = {names.BUILD_INPUTS: "what its build reads", names.IMAGE: "image"}
"""Keys of a service that a person does not know, with what a change of them means."""
CUT_SHORT = "was to be changed when an apply was killed"


def changes_to_apply(store: Store, record: ReleaseRecord) -> dict[str, list[str]]:
    """Return the shared services that an apply of a release changes, those of a killed apply among them."""
    before = read_document(store.shared / "wanted.json")
    after = store.releases.document(record.id, "shared")
    unfinished = {service: [CUT_SHORT] for service in backup.left(store.shared)}
    changes = {**unfinished, **shared_changes(store, before, after, record.shared_objects)}
    running = shared_images(store)
    rebuilt = [service for service in record.built_by if service in running and service in after.services]
    for service in [*moved(record.pins, running), *rebuilt]:
        if "image" not in changes.setdefault(service, []):
            changes[service].append("image")
    return changes


def shared_changes(store: Store, before: Document, after: Document, objects: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the shared services that differ from what runs, each with the keys, files and volumes that do.

    A new service is no change. ``objects`` maps each mounted file to its git object.
    """
    known = read_words(store.shared / "files.json")
    files = [name for name, object_id in objects.items() if known.get(name, object_id) != object_id]
    mounted = volumes_of(before.raw)
    volumes = [name for name, volume in volumes_of(after.raw).items() if mounted.get(name, volume) != volume]
    keys_of = changed_keys(services_of(before.raw), services_of(after.raw))
    changes: dict[str, list[str]] = {}
    for name in before.services:
        if name not in after.services:
            changes[name] = ["is gone"]
            continue
        mounts = json.dumps(after.services[name].setting("volumes") or ())
        knows_image = before.services[name].setting(names.IMAGE) is not None  # hosts of older versions do not
        keys = [key for key in keys_of.get(name, []) if key != names.IMAGE or knows_image]
        reasons = [REASONS.get(key, key) for key in keys]
        reasons += [f"file {file}" for file in files if f"/files/{file}" in mounts]
        reasons += [f"volume {volume}" for volume in volumes if f'"source": "{volume}"' in mounts]
        if reasons:
            changes[name] = reasons
    return changes


def changed_files(changes: Mapping[str, list[str]]) -> frozenset[str]:
    """Return the files among the reasons of changes."""
    reasons = (reason for each in changes.values() for reason in each)
    return frozenset(reason.removeprefix("file ") for reason in reasons if reason.startswith("file "))
