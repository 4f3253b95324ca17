"""Elo ratings: a base class, and one class for each sport."""


class Elo:
    """How ratings change after a game. Ratings, advantages and margins are in Elo points."""

    start = 1500.0
    k = 20.0
    home_advantage = 0.0
    draw_margin = 0.0
    """How far ahead a side must be to win; 0 in sports without draws."""

    def expected(self, home: float, away: float) -> float:
        """Return the probability that the home team wins."""
        return 1 / (1 + 10 ** ((away - home - self.home_advantage + self.draw_margin) / 400))

    def expected_draw(self, home: float, away: float) -> float:
        """Return the probability of a draw: what remains beside the wins of both sides (Rao and Kupper, 1967)."""
        away_wins = 1 / (1 + 10 ** ((home - away + self.home_advantage + self.draw_margin) / 400))
        return 1 - self.expected(home, away) - away_wins

    def after(self, home: float, away: float, home_won: bool) -> tuple[float, float]:
        """Return both ratings after a game; one team gains what the other loses.

        A draw is a game that the home team did not win. ``expected`` includes how often that happens, so draws lower no
        rating in the long run.
        """
        change = self.k * (float(home_won) - self.expected(home, away))
        return home + change, away - change


class Basketball(Elo):
    """NBA: many games, and a strong home advantage."""

    home_advantage = 100.0


class CollegeBasketball(Basketball):
    """NCAA: fewer games than in the NBA, and teams that change every year."""

    k = 28.0


class Football(Elo):
    """NFL: few games, so each counts for more; one in 300 is a tie."""

    k = 32.0
    home_advantage = 55.0
    draw_margin = 1.0


class Baseball(Elo):
    """MLB: so many games that one says little, and a small home advantage."""

    k = 4.0
    home_advantage = 24.0


class Hockey(Elo):
    """NHL: a shootout decides what would be a draw."""

    k = 6.0
    home_advantage = 50.0


class Soccer(Elo):
    """League games: of those between equal teams, one in four is a draw."""

    home_advantage = 65.0
    draw_margin = 90.0


class Tennis(Elo):
    """ATP and WTA: the player named first stands as "home", and nobody plays at home."""

    k = 32.0


SPORTS: dict[str, Elo] = {
    "basketball": Basketball(),
    "college_basketball": CollegeBasketball(),
    "football": Football(),
    "baseball": Baseball(),
    "hockey": Hockey(),
    "soccer": Soccer(),
    "tennis": Tennis(),
}
