"""An application of twelve services, whose declared health checks turn slow once they have passed."""

from __future__ import annotations

import json
from pathlib import Path

from tests.harness.site import Site

PLAIN = tuple(f"part{number}" for number in range(1, 12))
"""The services beside ``web``."""
SLOW = "/tmp/slow"
"""A file in each container: the seconds that its health check takes."""
HEALTH = f"test ! -e {SLOW} || sleep $$(cat {SLOW})"


class TwelveServices(Site):
    """A routed service with a check of ours, and eleven plain ones that the engine checks."""

    within = 300.0

    def set_up(self) -> None:
        self.settings(kinds=dict.fromkeys(PLAIN, "plain"), checks={"web": {"port": 8000, "path": "/health"}})
        self.broken("none")
        compose = Path(self.app / "compose.yaml")
        part = (
            f"build: .\n    init: true\n    command: {json.dumps(['sleep', '86400'])}\n    healthcheck: "
            f"{{test: [CMD-SHELL, '{HEALTH}'], interval: 1s, timeout: 60s, retries: 1}}\n    stop_grace_period: 1s\n"
        )
        compose.write_text(compose.read_text() + "".join(f"  {name}:\n    {part}" for name in PLAIN))

    def slow_down(self, seconds: float, *, hangs: str = "part1") -> None:
        """Have each health check take so long from now on, and one of them never end."""
        lines = self.docker(
            "ps", "--filter", f"label=switchyard.app={self.name}", "--format", "{{.ID}} {{.Names}}"
        ).splitlines()
        for identifier, name in map(str.split, lines):
            if "part" in name:
                takes = 86400 if f"-{hangs}-" in name else seconds
                self.docker("exec", identifier, "sh", "-c", f"echo {takes} > {SLOW}")
