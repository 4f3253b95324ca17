"""JUnit files of other tools."""

from __future__ import annotations

from pathlib import Path

from switchyard.predeploy.nox.junit import read_junit

TEXT = """\
<testsuites><testsuite>
<testcase classname="a" name="passes"/>
<testcase classname="a" name="fails"><failure message="no&#10;more"/></testcase>
<testcase classname="a" name="breaks"><error message="gone"/></testcase>
<testcase classname="a" name="waits"><skipped/></testcase>
</testsuite></testsuites>
"""


def test_each_test_has_its_outcome_and_a_failed_one_its_reason(tmp_path: Path):
    (tmp_path / "junit.xml").write_text(TEXT)
    tests = read_junit(tmp_path / "junit.xml")
    assert tests is not None
    assert list(tests.outcomes.values()) == ["passed", "failed", "failed", "skipped"]
    assert tests.failures == {"a::fails": "no", "a::breaks": "gone"}


def test_a_file_that_is_missing_or_torn_has_no_tests(tmp_path: Path):
    assert read_junit(tmp_path / "gone.xml") is None
    (tmp_path / "torn.xml").write_text(TEXT[:80])
    assert read_junit(tmp_path / "torn.xml") is None
