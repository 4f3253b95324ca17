"""Secrets that a compose file takes from variables have the values of the host's env."""

from __future__ import annotations

from switchyard.control import compose
from switchyard.core.app import App

TEXT = """
services: {web: {image: x, secrets: [tok, gone], configs: [c]}}
secrets: {tok: {environment: TOKEN}, gone: {environment: GONE}}
configs: {c: {content: "plain"}}
"""


def test_a_variable_of_the_env_becomes_the_content_and_one_of_this_machine_does_not(tmp_path, monkeypatch):
    monkeypatch.setenv("GONE", "of this machine")
    (tmp_path / "compose.yaml").write_text(TEXT)
    document = compose.resolve(tmp_path, App("shop"), {"TOKEN": "a$b"})
    assert document.secrets["tok"].content == "a$$b"
    assert (document.secrets["gone"].content, document.secrets["gone"].environment) == (None, "GONE")
    assert document.configs["c"].content == "plain" and "of this machine" not in str(document.raw)
