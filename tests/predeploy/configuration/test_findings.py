"""Findings about something that the settings name."""

from __future__ import annotations

from switchyard.predeploy.configuration.findings import named_finding


def test_a_finding_stays_the_same_when_its_words_change():
    before = named_finding("tool-old", "git", "git is 2.11, older than 2.20", "update it")
    after = named_finding("tool-old", "git", "git is 2.12: too old", "install a newer one")
    assert before.identity == after.identity == ("tool-old", "git", "git tool-old")
