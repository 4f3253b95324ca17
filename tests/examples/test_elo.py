"""The ratings of the example: one team gains what the other loses, and playing at home counts."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "examples" / "betting" / "betting" / "elo.py"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("example_elo", SOURCE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


elo = load()


def test_equal_teams_on_neutral_ground_have_equal_chances() -> None:
    assert elo.Elo().expected(1500, 1500) == 0.5
    assert elo.Elo().after(1500, 1500, True) == (1510, 1490)


def test_a_lead_of_400_points_means_odds_of_ten_to_one() -> None:
    assert elo.Elo().expected(1900, 1500) == pytest.approx(10 / 11)


@pytest.mark.parametrize("sport", ["basketball", "football"])
@pytest.mark.parametrize("home_won", [True, False])
def test_one_team_gains_what_the_other_loses(sport: str, home_won: bool) -> None:
    home, away = elo.SPORTS[sport].after(1600, 1450, home_won)
    assert home + away == pytest.approx(1600 + 1450)
    assert (home > 1600) is home_won


def test_playing_at_home_counts_in_both_sports_and_more_in_basketball() -> None:
    football, basketball = (elo.SPORTS[sport].expected(1500, 1500) for sport in ("football", "basketball"))
    assert 0.5 < football < basketball


def test_an_upset_moves_ratings_more_than_the_expected_result() -> None:
    engine = elo.SPORTS["football"]
    upset = 1700 - engine.after(1700, 1400, False)[0]
    expected = engine.after(1700, 1400, True)[0] - 1700
    assert upset > expected > 0
