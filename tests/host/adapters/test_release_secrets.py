"""The secrets of a release: as they were decided, as an older version left them, and as files hold them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from switchyard.core.wire.release import KnownSecrets
from switchyard.host.adapters import release_secrets
from switchyard.host.adapters.files import write_json

USES = {"web": {"secrets": [{"source": "token"}]}, "other": {}}


def test_an_older_version_left_every_value_and_those_of_a_word_s_length_are_removed(tmp_path):
    write_json(tmp_path / "values.json", ["12345", "123456"])
    write_json(tmp_path / "compose.json", {"services": {"web": {}}})
    secrets = release_secrets.read(tmp_path)
    assert secrets.values == ("123456",) and "web" in secrets.names and not secrets.withheld


def test_a_file_is_read_whatever_its_bytes_are(tmp_path):
    (tmp_path / "token").write_bytes(b"\xff\xfecanary")
    write_json(tmp_path / "blue.json", {"services": USES, "secrets": {"token": {"file": str(tmp_path / "token")}}})
    (value,) = release_secrets.read(tmp_path).values
    assert value.encode("utf-8", "surrogateescape") == b"\xff\xfecanary"


def missing(path: Path) -> None:
    """Leave no file there."""


def huge(path: Path) -> None:
    path.touch()
    os.truncate(path, release_secrets.FILE_MOST + 1)


LAID = [(missing, "No such file"), (os.mkfifo, "is no file"), (Path.mkdir, ""), (huge, "1 MiB")]


@pytest.mark.parametrize("lay,why", LAID)
def test_the_output_of_a_service_is_withheld_whose_secret_cannot_be_read(tmp_path, lay, why):
    path = tmp_path / "token"
    lay(path)
    known = KnownSecrets(("a-value",), (), {str(path): ("web",)})
    write_json(tmp_path / "secrets.json", known.encode())
    secrets = release_secrets.read(tmp_path)
    assert secrets.values == ("a-value",) and list(secrets.withheld) == ["web"]
    assert str(path) in secrets.withheld["web"] and why in secrets.withheld["web"]
