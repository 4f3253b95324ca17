"""Elo ratings: one base, one class a sport."""


class Elo:
    """How ratings move after a game."""

    start = 1500.0
    k = 20.0
    home_advantage = 0.0

    def expected(self, home: float, away: float) -> float:
        """The probability that the home team wins."""
        return 1 / (1 + 10 ** ((away - home - self.home_advantage) / 400))

    def after(self, home: float, away: float, home_won: bool) -> tuple[float, float]:
        """Both ratings after a game; what one wins the other loses."""
        change = self.k * (float(home_won) - self.expected(home, away))
        return home + change, away - change


class Basketball(Elo):
    """NBA: many games, a strong home side."""

    home_advantage = 100.0


class Football(Elo):
    """NFL: few games, each of them counts for more."""

    k = 32.0
    home_advantage = 55.0


SPORTS: dict[str, Elo] = {"basketball": Basketball(), "football": Football()}
