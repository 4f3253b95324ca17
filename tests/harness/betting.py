"""The example ``examples/betting`` on a sandbox host."""

from __future__ import annotations

import json

from tests.harness.site import PORTS, Site


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
        settings = self.app / "invoke.yaml"
        settings.write_text(settings.read_text() + "  data: {./uploads: data}\n")
        (self.checkout / "prod.env").write_text("POSTGRES_PASSWORD=not-guessed\n")

    def sql(self, query: str) -> list[list[str]]:
        """Run a query in the application's database and return its rows."""
        (db,) = self.docker("ps", "--quiet", "--filter", f"name={self.name}-shared-db-").split()
        rows = self.docker("exec", db, "psql", "-U", "betting", "-AtqF", "|", "-c", query)
        return [row.split("|") for row in rows.splitlines()]

    def page(self, number: int) -> str:
        return "/ratings"

    def posted(self, name: str) -> tuple[str, bytes]:
        game = {"sport": "football", "home": "A", "away": "B", "home_won": True}
        return "/games", json.dumps({"id": name, **game}).encode()
