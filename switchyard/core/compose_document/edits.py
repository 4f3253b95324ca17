"""Changes to a document's JSON, and comparisons of it, that leave everything else as it is."""

from __future__ import annotations

from collections.abc import Mapping

from switchyard.core.wire.message import Json
from switchyard.core.wire.section import Section


def services_of(document: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return the services of a document as JSON."""
    return Section.of(document, "").section("services").raw


def volumes_of(document: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return the volumes of a document as JSON."""
    return Section.of(document, "").section("volumes").raw


def pin(document: Mapping[str, Json], images: Mapping[str, str]) -> dict[str, Json]:
    """Return the document with images named by their ids, which no tag can move. ``images`` maps service to id."""
    pinned = {
        name: {**Section.of(service, name).raw, "image": images[name]} if name in images else service
        for name, service in services_of(document).items()
    }
    return {**document, "services": pinned}


def with_services(document: Mapping[str, Json], services: Mapping[str, Json]) -> dict[str, Json]:
    """Return the document with these services added, in place of its own of the same names."""
    return {**document, "services": {**services_of(document), **services}}


def changed_keys(before: Mapping[str, Json], after: Mapping[str, Json]) -> dict[str, list[str]]:
    """Return the keys that differ of each service that both have, by their services' JSON. No value leaves."""
    changes = {}
    for name in sorted(before.keys() & after.keys()):
        old, new = Section.of(before[name], name).raw, Section.of(after[name], name).raw
        keys = sorted(key for key in {*old, *new} if old.get(key) != new.get(key))
        if keys:
            changes[name] = keys
    return changes
