"""Secrets from the env: a container gets them as Compose gives them, and a build from a file beside the env."""

from __future__ import annotations

import pytest

from switchyard.core.app import App
from switchyard.core.compose_document import Document
from switchyard.core.errors import BadInput
from switchyard.core.split import Split, split

SECRETS = {"tok": {"content": "a$$b"}, "file": {"file": "./f"}, "unset": {"environment": "GONE"}}
PORTS = [{"target": 80, "published": "8080"}]


def parts(web: dict[str, object], app: App | None = None, **top: object) -> Split:
    document = {"name": "shop", "services": {"web": {"image": "x", "ports": PORTS, **web}}, "secrets": SECRETS, **top}
    settings = app or App("shop", kinds={"web": "routed"})
    return split(
        Document.decode(document), app=settings, release="R1", root="/r", tracked={"f", "Dockerfile"}, folder="."
    )


def test_a_secret_of_the_env_is_copied_into_the_container_and_every_other_stays():
    web = {"secrets": [{"source": "tok", "target": "t", "mode": "0400"}, {"source": "file"}], "configs": []}
    green = parts(web, configs={"secret.tok": {"content": "other"}}).colours["green"]
    assert green["services"]["web"]["secrets"] == [{"source": "file", "target": "file"}]
    assert green["services"]["web"]["configs"] == [
        {"source": "secret.secret.tok", "target": "/run/secrets/t", "mode": "0400"}
    ]
    assert green["configs"] == {"secret.secret.tok": {"content": "a$$b"}}
    assert green["secrets"] == {"file": {"file": "/r/releases/R1/files/f"}}


def test_a_secret_that_no_variable_sets_is_told_with_where_to_set_it():
    with pytest.raises(BadInput, match=r"secrets\.unset: nothing sets GONE: set it in the host's env"):
        parts({"secrets": [{"source": "unset"}]})


def test_a_build_gets_its_secrets_from_files_of_the_release_or_beside_its_env():
    release = parts({"build": {"context": ".", "secrets": [{"source": "tok", "target": "t"}, {"source": "file"}]}})
    assert release.build["secrets"] == {
        "file": {"file": "/r/releases/R1/files/f"},
        "tok": {"file": "/r/releases/R1/secrets/1"},
    }
    assert release.build_secrets == {"1": "a$b"}
    assert release.build["services"]["web"]["build"]["secrets"] == [
        {"source": "tok", "target": "t"},
        {"source": "file"},
    ]


def test_a_build_uses_the_key_that_the_host_s_entry_names_and_no_other():
    app = App("shop", kinds={"web": "routed"}, build_ssh={"default": "/home/deploy/.ssh/id"})
    build = {"build": {"context": ".", "ssh": ["default"]}}
    assert parts(build, app).build["services"]["web"]["build"]["ssh"] == ["default=/home/deploy/.ssh/id"]
    with pytest.raises(BadInput, match=r"service web: build\.ssh: default: .*hosts\.NAME\.build_ssh"):
        parts(build)
    with pytest.raises(BadInput, match=r"build\.ssh: other"):
        parts({"build": {"context": ".", "ssh": ["default", "other=/home/operator/.ssh/id"]}}, app)


def test_a_build_gives_its_image_no_name_that_could_be_somebody_else_s():
    build = {"build": {"context": ".", "tags": ["haproxy:3.0", "switchyard/other/web:R1"]}}
    assert not parts(build).build["services"]["web"]["build"].get("tags")
