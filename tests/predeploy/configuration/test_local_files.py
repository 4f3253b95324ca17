"""Paths that the settings name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from switchyard.predeploy.configuration.local_files import local_path
from tests.harness.predeploy_logins import subject_of


def test_a_relative_path_starts_at_the_checkout_and_a_tilde_at_the_home(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    subject = replace(subject_of({}), checkout=Path("/checkout"))
    names = ("key.pem", "~/key.pem", "/etc/key.pem")
    paths = [local_path(subject, name) for name in names]
    assert paths == [Path("/checkout/key.pem"), Path("/home/me/key.pem"), Path("/etc/key.pem")]
