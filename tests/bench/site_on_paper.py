"""A site whose host is a list of answers."""

from __future__ import annotations

import json

from bench.faults.applications import Web


class SiteOnPaper(Web):
    """An application whose host answers from ``files`` and ``releases_of_workers``."""

    def __init__(self) -> None:
        self.name = "shop"
        self.files: dict[str, str] = {}
        self.holding: list[str] = []
        """The files that hold the secret."""
        self.releases_of_workers: list[str] = []

    def run(self, *words: str) -> str:
        return "\n".join(f"{self.root}/{name}" for name in self.holding)

    def read(self, name: str) -> str:
        return self.files[name]

    def workers(self) -> list[str]:
        return self.releases_of_workers

    def record(self, *entries: dict[str, str | float]) -> None:
        """Write a journal of these entries."""
        self.files["journal.jsonl"] = "".join(f"{json.dumps(entry)}\n" for entry in entries)
