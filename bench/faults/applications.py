"""The applications that a round deploys."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable

from tests.harness.betting import Betting
from tests.harness.heartbeats import Heartbeat
from tests.harness.web_with_store import CHECK, add_store, store_runs
from tests.harness.web_with_worker import WebWithWorker

RATED_SECONDS = 60.0
"""The time limit in which the worker must rate every game."""


class Web(WebWithWorker):
    """The smallest example with a worker. It keeps nothing."""

    def clear(self) -> None:
        """Forget the heartbeats before a round."""
        self.clear_heartbeats()

    def lost(self, answered: Iterable[str]) -> list[str]:
        return []


class Exclusive(Web):
    """The smallest example with a worker, and with a store of which only one may run."""

    def set_up(self) -> None:
        super().set_up()
        with open(self.app / "invoke.yaml") as file:
            settings = json.load(file)["app"]
        add_store(self)
        kinds, checks = {**settings.pop("kinds"), "store": "exclusive"}, {**settings.pop("checks"), "store": CHECK}
        self.settings(**{**settings, "kinds": kinds, "checks": checks})

    def lost(self, answered: Iterable[str]) -> list[str]:
        """Describe stores that found another one running on their volume."""
        count = store_runs(self).count("refused")
        return [f"{count} stores met another one"] if count else []


class Games(Betting):
    """The whole example: a database, a queue, a migration, and a worker that rates each game once."""

    within = 600.0
    secret = "not-guessed"

    def clear(self) -> None:
        """Empty the tables before a round."""
        self.sql("TRUNCATE games, jobs, heartbeats")

    def heartbeats(self) -> list[Heartbeat]:
        """Return the worker's heartbeats; a game that it rated counts as one."""
        work = "SELECT container, at FROM heartbeats UNION ALL SELECT container, ended FROM jobs"
        rows = self.sql(f"SELECT container, extract(epoch FROM at) FROM ({work}) w")
        return [Heartbeat(container, float(at)) for container, at in rows]

    def lost(self, answered: Iterable[str]) -> list[str]:
        """Describe what is not as it must be: each answered game is stored once, and one job rated it."""
        deadline = time.monotonic() + RATED_SECONDS
        while self.sql("SELECT count(*) FROM games WHERE rated IS NULL") != [["0"]] and time.monotonic() < deadline:
            time.sleep(0.2)
        games = [name for (name,) in self.sql("SELECT id FROM games")]
        jobs = [name for (name,) in self.sql("SELECT game FROM jobs")]
        counts = {
            "answered games are not stored": len(set(answered) - set(games)),
            "games are stored twice": len(games) - len(set(games)),
            "games have no job": len(set(games) - set(jobs)),
            "jobs are stored twice": len(jobs) - len(set(jobs)),
        }
        return [f"{count} {problem}" for problem, count in counts.items() if count]


Application = Web | Games
EXAMPLES: dict[str, type[Web] | type[Games]] = {"web": Web, "exclusive": Exclusive, "betting": Games}
