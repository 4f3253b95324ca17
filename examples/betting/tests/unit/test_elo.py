"""Ratings: what holds for every sport."""

import pytest

from betting.elo import SPORTS, Elo

DRAWS = ("football", "soccer")


@pytest.mark.parametrize("sport", SPORTS)
@pytest.mark.parametrize("home_won", [True, False])
def test_one_team_gains_what_the_other_loses(sport: str, home_won: bool) -> None:
    home, away = SPORTS[sport].after(1600, 1450, home_won)
    assert home + away == pytest.approx(1600 + 1450)
    assert (home > 1600) is home_won


@pytest.mark.parametrize("sport", SPORTS)
def test_the_higher_a_rating_the_more_wins_are_expected(sport: str) -> None:
    elo = SPORTS[sport]
    assert elo.expected(1400, 1600) < elo.expected(1500, 1500) < elo.expected(1600, 1400)


@pytest.mark.parametrize("sport", SPORTS)
def test_the_probabilities_of_win_draw_and_loss_add_up_to_one(sport: str) -> None:
    elo = SPORTS[sport]
    home_wins, draw = elo.expected(1520, 1480), elo.expected_draw(1520, 1480)
    assert home_wins > 0 and home_wins + draw < 1
    assert (draw > 1e-9) is (sport in DRAWS)


def test_in_soccer_equal_teams_on_neutral_ground_draw_one_game_in_four() -> None:
    soccer = SPORTS["soccer"]
    assert soccer.expected_draw(1500, 1500 + soccer.home_advantage) == pytest.approx(0.25, abs=0.02)


def test_draws_that_are_as_frequent_as_expected_change_no_rating_in_the_long_run() -> None:
    soccer = SPORTS["soccer"]
    won = soccer.expected(1500, 1500)
    home_after_win, home_after_draw = (soccer.after(1500, 1500, home_won)[0] for home_won in (True, False))
    assert won * home_after_win + (1 - won) * home_after_draw == pytest.approx(1500)


def test_there_are_at_least_six_sports_each_with_its_own_numbers() -> None:
    assert len(SPORTS) >= 6
    numbers = {(elo.k, elo.home_advantage, elo.draw_margin) for elo in SPORTS.values()}
    assert len(numbers) == len(SPORTS)
    assert all(isinstance(elo, Elo) and type(elo) is not Elo for elo in SPORTS.values())
