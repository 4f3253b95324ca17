"""Values of the env in what tools leave."""

from __future__ import annotations

from pathlib import Path

import pytest

from switchyard.core.redact import Redactor
from switchyard.predeploy.nox.redact_reports import redact_reports

SECRET = "hunter2<hunter2"


@pytest.mark.parametrize(
    "text", [f"it is {SECRET}.", "it is hunter2&lt;hunter2.", "it is hunter2<h...", "...2<hunter2"]
)
def test_no_spelling_of_a_value_stays_in_any_file(tmp_path: Path, text):
    report = tmp_path / "folder" / "junit.xml"
    report.parent.mkdir()
    report.write_text(text)
    redact_reports(tmp_path, Redactor([SECRET]), [SECRET])
    assert "hunter2" not in report.read_text()


def test_other_words_and_binary_files_stay_as_they_are(tmp_path: Path):
    (tmp_path / "log").write_text("no secret ... at all")
    (tmp_path / "data").write_bytes(b"\xff\xfe")
    redact_reports(tmp_path, Redactor([SECRET]), [SECRET])
    assert (tmp_path / "log").read_text() == "no secret ... at all"
    assert (tmp_path / "data").read_bytes() == b"\xff\xfe"
