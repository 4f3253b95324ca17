"""The configuration of tools in the application's TOML files."""

from __future__ import annotations

from pathlib import Path

from switchyard.predeploy.code.tool_tables import read_pyproject, read_toml


def test_a_table_of_pyproject_is_read_and_other_tables_are_left_alone(tmp_path: Path):
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n[tool.ruff.format]\n[tool.black]\nline = 1\n')
    tables = read_pyproject(tmp_path)
    assert (tables.ruff, tables.vulture) == ({"format": {}}, None)


def test_a_file_that_is_missing_or_no_toml_has_no_table(tmp_path: Path):
    assert read_pyproject(tmp_path).ruff is None
    (tmp_path / "ruff.toml").write_text("= x")
    assert read_toml(tmp_path / "ruff.toml") == {}
