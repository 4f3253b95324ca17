"""The example ``examples/betting`` on a sandbox host."""

from __future__ import annotations

import json

from tests.harness.load import Load
from tests.harness.site import LOAD_SECONDS, PORTS, Site


class Betting(Site):
    """The example in a repository of its own, with a folder of uploads beside its database."""

    example = "betting"
    overrides = ("--skip", "code,tests,database", "--reason", "predeploy has tests of its own")

    def set_up(self) -> None:
        self.dashboard = next(PORTS)
        self.rewrite('"8501:8501"', f'"{self.dashboard}:8501"')
        self.rewrite(
            "    stop_grace_period: 20s\n", "    stop_grace_period: 20s\n    volumes: ['./uploads:/uploads']\n"
        )
        own = self.app / "invoke.yaml"
        own.write_text(own.read_text() + "  data: {./uploads: data}\n")
        (self.checkout / "prod.env").write_text("POSTGRES_PASSWORD=not-guessed\n")

    def sql(self, query: str) -> list[list[str]]:
        (db,) = self.docker("ps", "--quiet", "--filter", f"name={self.name}-shared-db-").split()
        said = self.docker("exec", db, "psql", "-U", "betting", "-AtqF", "|", "-c", query)
        return [line.split("|") for line in said.splitlines()]

    def load(self) -> Load:
        game = {"sport": "football", "home": "A", "away": "B", "home_won": True}
        return Load(
            self.url,
            rate=200,
            seconds=LOAD_SECONDS,
            get=lambda number: "/ratings",
            post=lambda name: ("/games", json.dumps({"id": name, **game}).encode()),
        )
