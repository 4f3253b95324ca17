"""The head of a journal that a checkout keeps."""

from __future__ import annotations

import shutil

from switchyard.control.journal_heads import LACKS, JournalHead
from switchyard.core.wire.request import Head


def test_a_head_is_kept_for_each_machine_and_replaced_by_the_next(tmp_path):
    one, two = (JournalHead(tmp_path, "prod", name, "~/apps/shop") for name in ("one", "two"))
    assert one.known() is None
    one.remember(Head(3, "aa"))
    one.remember(None)
    assert (one.known(), two.known()) == (Head(3, "aa"), None)
    one.remember(Head(4, "bb"))
    assert JournalHead(tmp_path, "prod", "one", "~/apps/shop").known() == Head(4, "bb")


def test_a_damaged_head_is_none_and_the_next_one_takes_its_place(tmp_path):
    head = JournalHead(tmp_path, "prod", "one", "~/apps/shop")
    head.remember(Head(3, "aa"))
    (path,) = (tmp_path / ".switchyard" / "journals").iterdir()
    path.write_bytes(b"\xff{")
    assert head.known() is None
    head.remember(Head(4, "bb"))
    assert head.known() == Head(4, "bb")


def test_a_checkout_that_takes_no_file_knows_none(tmp_path):
    (tmp_path / ".switchyard").write_text("")
    head = JournalHead(tmp_path, "prod", "one", "~/apps/shop")
    head.remember(Head(3, "aa"))
    assert head.known() is None


def test_the_first_sight_is_trusted_and_said_and_what_is_gone_since_is_an_error(tmp_path):
    head = JournalHead(tmp_path, "prod", "one", "~/apps/shop")
    assert head.judge(Head(0, "")) == "" and head.judge(None) == ""
    first = head.judge(Head(3, "aa"))
    assert "for the first time" in first and "unknown" in first and str(tmp_path / ".switchyard" / "journals") in first
    head.remember(Head(3, "aa"))
    assert head.judge(Head(5, "bb")) == "" and head.judge(None) == LACKS


def test_a_checkout_elsewhere_goes_on_from_the_heads_that_a_cache_kept(tmp_path):
    JournalHead(tmp_path / "first", "prod", "one", "~/apps/shop").remember(Head(3, "aa"))
    shutil.copytree(tmp_path / "first" / ".switchyard" / "journals", tmp_path / "next" / ".switchyard" / "journals")
    assert JournalHead(tmp_path / "next", "prod", "one", "~/apps/shop").judge(None) == LACKS
