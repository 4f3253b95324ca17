"""Modes and owners of key files, with real files of this machine."""

from __future__ import annotations

import os
import pwd
from typing import Any

import pytest

from switchyard.core.wire.answers import FileRights
from switchyard.predeploy.configuration.file_modes import read_rights
from tests.harness.predeploy_application import Application
from tests.harness.predeploy_configuration import PEM, outcome, refused, with_kalshi

ME = pwd.getpwuid(os.getuid()).pw_name


def with_file(application: Application, mode: int, setting: dict[str, Any]) -> None:
    """Create a key file with a mode, and name it in the settings."""
    (application.checkout / "service.key").write_text("key")
    (application.checkout / "service.key").chmod(mode)
    application.settings(files={"service.key": setting})
    application.allow(files=["service.key"])


@pytest.mark.parametrize(
    ("mode", "setting"),
    [(0o600, {}), (0o640, {"mode": "640"}), (0o400, {"mode": "0400", "owner": ME})],
)
def test_a_file_with_its_mode_and_owner_passes(application, mode, setting):
    with_file(application, mode, setting)
    assert outcome(application, "files") == ("pass", "files: 1 here")


@pytest.mark.parametrize(
    ("mode", "setting", "rules"),
    [
        (0o644, {}, ["file-mode"]),
        (0o400, {}, ["file-mode"]),
        (0o600, {"owner": "daemon"}, ["file-owner"]),
        (0o4600, {}, ["file-mode"]),
    ],
)
def test_a_file_with_another_mode_or_owner_fails(application, mode, setting, rules):
    with_file(application, mode, setting)
    assert refused(application, "files") == rules


def test_a_missing_file_fails(application):
    application.settings(files={"gone.key": {}})
    application.allow(files=["gone.key"])
    assert refused(application, "files") == ["file-missing"]


def test_a_file_below_a_file_is_unreadable_and_one_that_never_existed_is_not_there(tmp_path):
    (tmp_path / "file").touch(mode=0o640)
    assert read_rights(tmp_path / "file") == FileRights(mode="0640", owner=ME)
    assert read_rights(tmp_path / "file" / "below") == FileRights(why="Not a directory")
    assert read_rights(tmp_path / "gone") is None


def test_the_key_file_of_a_credential_must_be_private_without_being_named(application):
    with_kalshi(application, KALSHI_PRIVATE_KEY="kalshi.key")
    path = application.checkout / "kalshi.key"
    path.write_bytes(PEM)
    path.chmod(0o640)
    run = application.predeploy("files")
    assert run.rules("files") == ["file-readable"] and "chmod 600" in run.text
    path.chmod(0o400)
    assert outcome(application, "files")[0] == "pass"


def test_a_file_of_the_host_in_plain_yaml_waits_for_a_host(application):
    text = "app:\n  predeploy:\n    files:\n      data/service.key: {mode: '0640', owner: deploy, at: host}\n"
    application.write("invoke.yaml", text)
    result, reason = outcome(application, "files")
    assert result == "skipped" and "--host" in reason


def test_without_any_file_to_check_the_check_is_skipped(application):
    assert outcome(application, "files")[0] == "skipped"


CASES = {"files": (test_a_file_with_another_mode_or_owner_fails, test_a_file_with_its_mode_and_owner_passes)}
