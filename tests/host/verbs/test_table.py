"""The verbs that act: the host program has exactly those that the journal knows."""

from __future__ import annotations

from switchyard.core import journal
from switchyard.host.queries import QUERIES
from switchyard.host.verbs.table import VERBS


def test_every_verb_of_the_journal_acts_and_no_other_does() -> None:
    assert set(VERBS) == set(journal.VERBS)


def test_no_verb_both_acts_and_only_looks() -> None:
    assert not VERBS.keys() & QUERIES.keys()
