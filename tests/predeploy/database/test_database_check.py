"""How the parts of a check add up to one result."""

from __future__ import annotations

import pytest

from switchyard.predeploy.database.database_check import conclude, counted
from switchyard.predeploy.database.reference_server import Server
from switchyard.predeploy.engine.result import Finding
from tests.harness.postgres import open_reader

WARNING = Finding("rule", "what", severity="warn")
ERROR = Finding("rule", "what")


@pytest.mark.parametrize(
    ("findings", "unchecked", "outcome", "rules"),
    [
        ([], [], "pass", []),
        ([WARNING], [], "pass", ["rule"]),
        ([ERROR], [], "fail", ["rule"]),
        ([WARNING], ["t: no end"], "unknown", ["rule"]),
        ([ERROR], ["t: no end"], "fail", ["rule", "not-checked"]),
    ],
)
def test_an_unchecked_part_is_unknown_and_beside_an_error_a_finding(
    newest: Server, findings: list[Finding], unchecked: list[str], outcome: str, rules: list[str]
) -> None:
    with open_reader(newest) as reader:
        result = conclude(findings, unchecked, "1 table", reader, tables=1)
    assert (result.outcome, [finding.rule for finding in result.findings]) == (outcome, rules)
    assert f"1 table; PostgreSQL {reader.server} here" in result.reason
    assert result.facts == {"server": "here", "version": reader.server, "source": "embedded", "tables": 1}


def test_a_noun_is_counted() -> None:
    assert [counted(number, "row") for number in (0, 1, 2)] == ["0 rows", "1 row", "2 rows"]
