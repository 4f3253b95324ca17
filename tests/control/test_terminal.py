"""The terminal shows no secret of the env once it is known, and no control character ever."""

from __future__ import annotations

from pathlib import Path

from switchyard.control import terminal
from switchyard.control.known_secrets import decide, exists
from switchyard.core.compose_document import Document
from switchyard.core.outside_text import GONE

DOCUMENT = Document.decode({"services": {"airflow-web": {"environment": {"API_TOKEN": "in-the-file"}}}})


def test_what_is_decided_is_hidden_from_then_on(tmp_path: Path):
    (tmp_path / "settings-file").touch()
    env = {"DB_PASSWORD": "airflow", "SITE": "a public motto", "CONF": "settings-file", "OTHER": "long-enough"}
    assert terminal.shown("long-enough") == "long-enough"
    assert decide([env], DOCUMENT, tmp_path, public=("SITE",)) == ("airflow", "in-the-file", "long-enough")
    assert terminal.shown("airflow-web: in-the-file\x1b[2J, settings-file") == f"airflow-web: {GONE}, settings-file"
    terminal.hide(["index-password"], of="the package index")
    assert (
        decide([{}], None, tmp_path) == () and terminal.shown("long-enough, index-password") == f"long-enough, {GONE}"
    )


def test_reports_keep_the_names_that_programs_compare(tmp_path: Path):
    decide([{"TOKEN": "abcdef12"}], None, tmp_path)
    report = {"release": "abcdef12", "reason": "abcdef12", "hosts": [{"commands": {"build": ["x abcdef12"]}, "n": 1}]}
    shown = {"release": "abcdef12", "reason": GONE, "hosts": [{"commands": {"build": [f"x {GONE}"]}, "n": 1}]}
    assert terminal.shown_report(report) == shown


def test_a_path_is_one_of_this_machine_or_of_the_folder(tmp_path: Path):
    (tmp_path / "conf").mkdir()
    assert exists(tmp_path, "conf") and exists(Path("/"), str(tmp_path)) and not exists(tmp_path, "missing")
    assert not exists(tmp_path, "") and not exists(tmp_path, "a\0b")
