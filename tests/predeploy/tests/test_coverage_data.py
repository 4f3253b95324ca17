"""Where suites leave what they reached."""

from __future__ import annotations

from dataclasses import replace

from switchyard.predeploy.tests import coverage_data
from tests.harness.check_runs import check, passes

SUITE = check("unit", passes)


def test_the_folder_is_empty_for_each_run_and_another_tree_has_another(subject):
    measured = replace(subject, setting=subject.setting.model_copy(update={"sources": ["shop"]}))
    folder = coverage_data.fresh_data_folder(SUITE, measured)
    assert folder is not None and folder == coverage_data.data_folder(SUITE, measured)
    (folder / "data").write_text("old")
    assert not list((coverage_data.fresh_data_folder(SUITE, measured) or folder).iterdir())
    assert coverage_data.data_folder(SUITE, replace(measured, tree="u" * 40)) != folder


def test_without_sources_nothing_is_measured(subject):
    assert coverage_data.fresh_data_folder(SUITE, subject) is None


def test_the_report_counts_an_export_of_the_commit_as_the_work_tree(subject):
    text = coverage_data.reporting(subject, {"/tmp/export"})
    assert f"here =\n    {subject.folder.resolve()}\n    /tmp/export\n" in text and "omit" not in text
