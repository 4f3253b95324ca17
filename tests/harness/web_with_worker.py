"""The example ``examples/web`` with a worker that writes heartbeats."""

from __future__ import annotations

import json

from tests.harness.heartbeats import Heartbeat
from tests.harness.site import Site

GRACE_SECONDS = 5
"""The worker's grace period."""
BEAT = """import signal, socket, time
signal.signal(signal.SIGTERM, lambda *_: exit(0))
while True:
    with open("/beats/beats", "a") as file:
        file.write(f"{socket.gethostname()} {time.time()}\\n")
    time.sleep(0.1)
"""
WORKER = f"""    restart: unless-stopped
  worker:
    build: .
    user: "0"
    restart: unless-stopped
    command: {json.dumps(["python3", "-c", BEAT])}
    stop_grace_period: {GRACE_SECONDS}s
    volumes: ["./beats:/beats"]
    healthcheck:
      test: ["CMD", "true"]
      interval: 1s
"""


class WebWithWorker(Site):
    """A routed service and a worker, which is a handover service."""

    secret = "canary-" + "93b1c4"
    """A value of the env that no screen and no other file may show."""

    def set_up(self) -> None:
        compose = self.app / "compose.yaml"
        self.rewrite("      BREAK:", "      SECRET: ${SECRET:?}\n      BREAK:")
        compose.write_text(compose.read_text() + WORKER)
        check: dict[str, int | str] = {"port": 8000, "path": "/health"}
        self.settings(kinds={"worker": "handover"}, healthy_within=20, checks={"web": check}, data={"./beats": "data"})
        (self.checkout / "prod.env").write_text(f"BREAK=none\nSECRET={self.secret}\n")

    def clear_heartbeats(self) -> None:
        self.run("sh", "-c", f": > {self.root}/data/beats/beats")

    def heartbeats(self) -> list[Heartbeat]:
        lines = map(str.split, self.read("data/beats/beats").splitlines())
        return [Heartbeat(words[0], float(words[1])) for words in lines if len(words) == 2]
