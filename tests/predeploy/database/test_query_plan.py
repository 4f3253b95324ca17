"""Plans of PostgreSQL, and what is remembered of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from switchyard.core.wire.message import Json, WireError
from switchyard.predeploy.database.query_plan import PlanHistory, explained

SCAN: dict[str, Json] = {"Node Type": "Index Scan", "Relation Name": "games", "Index Name": "by_team", "Plan Rows": 7}
REPORT: Json = [{"Plan": {"Node Type": "Aggregate", "Plan Rows": 1, "Startup Cost": 0.5, "Plans": [SCAN]}}]


def test_a_plan_is_shown_with_figures_and_compared_without() -> None:
    plan = explained(REPORT)
    assert list(plan.lines()) == ["Aggregate: 1 rows", "  Index Scan games by_team: 7 rows"]
    assert plan.shape == "Aggregate (Index Scan games by_team)"


@pytest.mark.parametrize("report", [None, [], [{}], [{"Plan": {"Plan Rows": 1}}]])
def test_a_report_without_a_plan_is_an_error(report: Json) -> None:
    with pytest.raises(WireError):
        explained(report)


def test_a_shape_is_compared_with_the_last_saved_one_of_the_same_kind_of_database(tmp_path: Path) -> None:
    file = tmp_path / "plans.json"
    first = PlanHistory(file, "url")
    assert first.previous("q", "Seq Scan") == ""
    first.save()
    assert PlanHistory(file, "url").previous("q", "Index Scan") == "Seq Scan"
    assert PlanHistory(file, "host").previous("q", "Index Scan") == ""
    file.write_text("no JSON")
    assert PlanHistory(file, "url").previous("q", "Index Scan") == ""
