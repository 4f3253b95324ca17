"""The parts of an image's name, and the list of images that keep state."""

from __future__ import annotations

import pytest

from switchyard.core.images import (
    POSTGRES,
    POSTGRES_BY_DISTRIBUTION,
    POSTGRES_DATABASES,
    REDIS,
    STATEFUL,
    ImageReference,
)


@pytest.mark.parametrize(
    "reference,parts",
    [
        ("postgres", ("postgres", "", "")),
        ("postgres:17", ("postgres", "17", "")),
        ("registry.example:5000/library/postgres", ("postgres", "", "")),
        ("registry.example:5000/library/postgres:17-alpine@sha256:0", ("postgres", "17-alpine", "sha256:0")),
        ("postgres@sha256:0", ("postgres", "", "sha256:0")),
        ("", ("", "", "")),
    ],
)
def test_a_reference_has_a_name_a_tag_and_a_digest(reference, parts):
    assert ImageReference.parse(reference) == parts


def test_every_smaller_list_derives_from_the_one_of_stateful_images():
    assert {*POSTGRES, *REDIS, *POSTGRES_BY_DISTRIBUTION} <= set(STATEFUL)
    assert set(POSTGRES_DATABASES) - set(POSTGRES) == {"timescaledb-ha"}
    assert set(POSTGRES) - set(POSTGRES_BY_DISTRIBUTION) == {"postgresql"}
    assert len(set(STATEFUL)) == len(STATEFUL)
