"""Tools and their versions, with programs of this machine and with scripts in their place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from switchyard.predeploy.configuration.tool_versions import number
from tests.harness.predeploy_application import Application
from tests.harness.predeploy_configuration import outcome


def with_tool(application: Application, name: str, script: str) -> None:
    """Put a shell script in front of the tools of this machine."""
    folder = application.folder / "bin"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)
    application.environ["PATH"] = f"{folder}:{os.environ['PATH']}"


def test_the_reason_lists_the_tools_of_the_protocol_with_their_versions(application):
    result, reason = outcome(application, "tools")
    assert result == "pass"
    for name in ("docker ", "compose ", "git ", "python "):
        assert name in reason


@pytest.mark.parametrize("oldest", ["", "1.9", "1.10", "1.10.2"])
def test_a_tool_of_the_settings_that_is_new_enough_passes(application, oldest):
    with_tool(application, "sops-like", "echo sops-like v1.10.2-rc1")
    application.settings(tools={"sops-like": oldest})
    result, reason = outcome(application, "tools")
    assert result == "pass" and "sops-like 1.10.2" in reason


@pytest.mark.parametrize(
    ("script", "oldest", "rule"),
    [
        ("echo v1.9.9", "1.10", "tool-old"),
        ("echo unknown", "1", "tool-old"),
        ("exit 1", "", "tool-missing"),
    ],
)
def test_a_tool_that_is_old_or_does_not_run_fails(application, script, oldest, rule):
    with_tool(application, "sops-like", script)
    application.settings(tools={"sops-like": oldest})
    run = application.predeploy("tools")
    assert (run.code, run.rules("tools")) == (1, [rule])


def test_a_git_that_is_too_old_fails(application):
    real = next(folder for folder in os.environ["PATH"].split(":") if Path(folder, "git").exists())
    with_tool(application, "git", f'[ "$1" = --version ] && echo git version 2.11.0 || exec {real}/git "$@"')
    run = application.predeploy("tools")
    assert run.rules("tools") == ["tool-old"] and "git on this machine is 2.11.0, older than 2.20" in run.text


def test_an_application_with_a_postgresql_needs_its_client_programs(application):
    application.write("compose.yaml", "services:\n  db: {image: 'postgres:17.2-bookworm'}\n")
    for name in ("psql", "pg_dump"):
        with_tool(application, name, f"echo {name} '(PostgreSQL) 99.1'")
    result, reason = outcome(application, "tools")
    assert result == "pass" and "psql 99.1, pg_dump 99.1" in reason


@pytest.mark.parametrize(
    ("printed", "version"), [("git version 2.39.5", "2.39.5"), ("v2.29.7", "2.29.7"), ("unknown", ""), (None, "")]
)
def test_the_version_is_the_first_number_that_a_tool_prints(printed, version):
    assert number(printed) == version


CASES = {
    "tools": (
        test_a_tool_that_is_old_or_does_not_run_fails,
        test_a_tool_of_the_settings_that_is_new_enough_passes,
    ),
}
