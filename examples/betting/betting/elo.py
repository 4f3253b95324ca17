"""Elo ratings: one base, one class a sport."""


class Elo:
    """How ratings move after a game. Ratings, advantages and margins are in Elo points."""

    start = 1500.0
    k = 20.0
    home_advantage = 0.0
    draw_margin = 0.0
    """By how much a side must be ahead to win: 0 where no game ends in a draw."""

    def expected(self, home: float, away: float) -> float:
        """The probability that the home team wins."""
        return 1 / (1 + 10 ** ((away - home - self.home_advantage + self.draw_margin) / 400))

    def expected_draw(self, home: float, away: float) -> float:
        """The probability of a draw: what the wins of both sides leave (Rao and Kupper, 1967)."""
        away_wins = 1 / (1 + 10 ** ((home - away + self.home_advantage + self.draw_margin) / 400))
        return 1 - self.expected(home, away) - away_wins

    def after(self, home: float, away: float, home_won: bool) -> tuple[float, float]:
        """Both ratings after a game; what one wins the other loses.

        A draw is a game that home did not win. ``expected`` knows how often that happens, so draws drag nobody down.
        """
        change = self.k * (float(home_won) - self.expected(home, away))
        return home + change, away - change


class Basketball(Elo):
    """NBA: many games, a strong home side."""

    home_advantage = 100.0


class CollegeBasketball(Basketball):
    """NCAA: fewer games than the NBA, and teams that change every year."""

    k = 28.0


class Football(Elo):
    """NFL: few games, each of them counts for more; one in 300 is a tie."""

    k = 32.0
    home_advantage = 55.0
    draw_margin = 1.0


class Baseball(Elo):
    """MLB: so many games that one says little, and little is won by playing at home."""

    k = 4.0
    home_advantage = 24.0


class Hockey(Elo):
    """NHL: a shootout ends what would be a draw."""

    k = 6.0
    home_advantage = 50.0


class Soccer(Elo):
    """Leagues: one game in four between equals is a draw."""

    home_advantage = 65.0
    draw_margin = 90.0


class Tennis(Elo):
    """ATP and WTA: "home" is the player who is named first, and nobody plays at home."""

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
