"""The file that aims a nox session at an application."""

from __future__ import annotations

from pathlib import Path

import pytest

from switchyard.core.wire.message import WireError
from switchyard.predeploy.nox import target
from switchyard.predeploy.nox.target import CoverageOptions, LintOptions


def test_the_noxfile_reads_the_options_that_the_session_writes(tmp_path: Path):
    options = CoverageOptions(python="/bin/python", data=("a", "b"), coverage="[run]\n")
    target.write(tmp_path / "target.json", tmp_path / "app", tmp_path, options)
    aim, read = target.read(tmp_path / "target.json", CoverageOptions)
    assert (aim.folder, aim.reports, read) == (str(tmp_path / "app"), str(tmp_path), options)


def test_options_of_another_session_are_an_error_with_their_path(tmp_path: Path):
    target.write(tmp_path / "target.json", tmp_path, tmp_path, LintOptions(format=True, fix=False))
    with pytest.raises(WireError, match=r"options\.python"):
        target.read(tmp_path / "target.json", CoverageOptions)
