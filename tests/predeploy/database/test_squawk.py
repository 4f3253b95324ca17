"""squawk's report as typed values."""

from __future__ import annotations

from switchyard.predeploy.database.squawk import squawk


def test_a_violation_has_its_rule_and_its_place_counted_from_zero() -> None:
    violations = squawk("2.sql", "SET lock_timeout = '1s';\n\nALTER TABLE teams DROP COLUMN old;", 18)
    assert ("ban-drop-column", 2) in [(violation.rule, violation.line) for violation in violations]


def test_what_squawk_cannot_parse_is_an_error_of_its_own_level() -> None:
    assert "Error" in [violation.level for violation in squawk("6.sql", "ALTER TABLE teams ADD COLUMN ;", 18)]


def test_comments_for_squawk_have_no_effect() -> None:
    text = "-- squawk-ignore ban-drop-table\nDROP TABLE teams;"
    assert "ban-drop-table" in [violation.rule for violation in squawk("3.sql", text, 18)]
