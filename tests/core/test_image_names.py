"""Spellings of one image are one image, and a name by digest has no tag."""

from __future__ import annotations

import pytest

from switchyard.core import image_names

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    "spellings,form,context",
    [
        (
            (
                "app",
                "app:latest",
                "library/app",
                "docker.io/app",
                "docker.io/library/app",
                "index.docker.io/app:latest",
            ),
            "docker.io/library/app:latest",
            "app",
        ),
        (("app:dev", "docker.io/library/app:dev"), "docker.io/library/app:dev", "app:dev"),
        (("team/app:dev", "docker.io/team/app:dev"), "docker.io/team/app:dev", "team/app:dev"),
        (("registry/app:dev",), "docker.io/registry/app:dev", "registry/app:dev"),
        (("registry.example/app",), "registry.example/app:latest", "registry.example/app"),
        (("registry:5000/team/app:1",), "registry:5000/team/app:1", "registry:5000/team/app:1"),
        (("localhost/app:1",), "localhost/app:1", "localhost/app:1"),
        ((f"app@{DIGEST}", f"app:dev@{DIGEST}"), f"docker.io/library/app@{DIGEST}", f"app@{DIGEST}"),
        (("",), "docker.io/library/:latest", ""),
    ],
)
def test_every_spelling_of_an_image_has_one_form(spellings, form, context):
    assert {image_names.canonical(name) for name in spellings} == {form}
    assert {image_names.as_context(name) for name in spellings} == {context}


@pytest.mark.parametrize(
    "name,registry,by_digest",
    [
        ("redis:8", "docker.io", f"redis@{DIGEST}"),
        ("docker.io/team/app", "docker.io", f"team/app@{DIGEST}"),
        ("127.0.0.1:5000/team/app:1", "127.0.0.1:5000", f"127.0.0.1:5000/team/app@{DIGEST}"),
        (f"ghcr.io/x/y:1@sha256:{'b' * 64}", "ghcr.io", f"ghcr.io/x/y@{DIGEST}"),
    ],
)
def test_a_name_by_digest_stays_in_its_registry_and_loses_its_tag(name, registry, by_digest):
    assert image_names.registry(name) == registry
    assert image_names.with_digest(name, DIGEST) == by_digest
    assert image_names.digest(by_digest) == DIGEST and image_names.digest("redis:8") == ""
