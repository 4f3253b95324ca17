"""The table of the attacks counts what was tried, what got through, and what proves nothing."""

from __future__ import annotations

from pathlib import Path

from scripts.attacks import table

REPORT = """<testsuites><testsuite name="pytest">
<testcase classname="tests.attacks.test_paths" name="test_refused[link]"/>
<testcase classname="tests.attacks.test_paths" name="test_refused[device]"><failure message="x">x</failure></testcase>
<testcase classname="tests.attacks.test_paths" name="test_twin[link]"><error message="x">x</error></testcase>
<testcase classname="tests.attacks.test_paths" name="test_defence[link]"><failure message="x">x</failure></testcase>
<testcase classname="tests.attacks.test_texts" name="test_refused[bell]"/>
</testsuite></testsuites>"""


def test_each_group_has_a_line_and_all_have_one(tmp_path: Path) -> None:
    report = tmp_path / "attacks.xml"
    report.write_text(REPORT)
    assert [line.split() for line in table(report).splitlines()[1:]] == [
        ["paths", "2", "1", "1", "1"],
        ["texts", "1", "0", "0", "0"],
        ["all", "3", "1", "1", "1"],
    ]
