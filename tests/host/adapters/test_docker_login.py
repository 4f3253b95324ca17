"""The host's own logins are used: from Docker's file, and from its credential helpers."""

from __future__ import annotations

import base64
import json

import pytest

from switchyard.host.adapters.docker_login import HUB_KEY, header, login

PLAIN = base64.b64encode(b"ann:pass:word").decode()
HELPER = """#!/bin/sh
read registry
case $registry in
  ecr.example) echo '{"ServerURL": "ecr.example", "Username": "AWS", "Secret": "s3"}';;
  acr.example) echo '{"Username": "<token>", "Secret": "t0"}';;
  *) echo credentials not found in native keychain; exit 1;;
esac
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "docker-credential-test").write_text(HELPER)
    (tmp_path / "bin" / "docker-credential-test").chmod(0o755)
    (tmp_path / ".docker").mkdir()
    return tmp_path


def configure(home, config):
    (home / ".docker" / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))


@pytest.mark.parametrize(
    "config,registry,expected",
    [
        ({"auths": {"r:5000": {"auth": PLAIN}}}, "r:5000", {"username": "ann", "password": "pass:word"}),
        ({"auths": {"https://r": {"auth": PLAIN}}}, "r", {"username": "ann", "password": "pass:word"}),
        ({"auths": {HUB_KEY: {"auth": PLAIN}}}, "docker.io", {"username": "ann", "password": "pass:word"}),
        ({"auths": {"r": {"identitytoken": "t"}}}, "r", {"identitytoken": "t"}),
        ({"auths": {"r": {}}, "credsStore": "test"}, "ecr.example", {"username": "AWS", "password": "s3"}),
        ({"credHelpers": {"acr.example": "test"}}, "acr.example", {"identitytoken": "t0"}),
        (
            {"credHelpers": {"acr.example": "test"}, "auths": {"r": {"auth": PLAIN}}},
            "r",
            {"username": "ann", "password": "pass:word"},
        ),
        ({"credsStore": "test"}, "unknown.example", None),
        ({"credsStore": "not-installed"}, "r", None),
        ({"auths": {"r": {"auth": "%"}}}, "r", None),
        ({}, "r", None),
        ("{torn", "r", None),
        ([], "r", None),
    ],
)
def test_a_login_is_found_where_docker_keeps_it(home, config, registry, expected):
    configure(home, config)
    entry = login(registry)
    assert entry == (expected and {**expected, "serveraddress": HUB_KEY if registry == "docker.io" else registry})


def test_a_host_without_a_configuration_has_no_login(home):
    assert login("r") is None


def test_the_header_is_the_login_as_the_engine_reads_it():
    assert json.loads(base64.urlsafe_b64decode(header({"username": "ann"}))) == {"username": "ann"}
