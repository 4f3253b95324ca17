"""The example ``examples/web`` with a store: an exclusive service, which refuses to run twice on its volume."""

from __future__ import annotations

from tests.harness.load import Load
from tests.harness.site import LOAD_SECONDS, PORTS, Site

STORE = '''"""The example's server, on a volume of which it must be the only one."""

import fcntl
import runpy
import sys
import time

lock = open("/state/lock", "w")


def note(what):
    with open("/state/runs", "a") as runs:
        runs.write(f"{what} {time.time()}\\n")


try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except OSError:
    note("refused")
    sys.exit("another store runs on this volume")
note("begun")
try:
    runpy.run_path("app.py")
finally:
    note("ended")
'''
SERVICE = """    restart: unless-stopped
  store:
    build: .
    user: "0"
    restart: unless-stopped
    command: ["python3", "store.py"]
    ports: ["{port}:8000"]
    environment:
      BREAK: ${{STORE_BREAK:-none}}
    volumes: ["state:/state"]
    stop_grace_period: 20s
volumes:
  state: {{}}
"""


class WebWithStore(Site):
    """A routed service and an exclusive one."""

    def set_up(self) -> None:
        self.store_port = next(PORTS)
        (self.app / "store.py").write_text(STORE)
        self.rewrite("COPY VERSION app.py ./", "COPY VERSION app.py store.py ./", "Dockerfile")
        compose = self.app / "compose.yaml"
        compose.write_text(compose.read_text() + SERVICE.format(port=self.store_port))
        self.store_settings()
        self.store_breaks("none")

    def store_settings(self, **more: int) -> None:
        """Write the settings, with other times where ``more`` has some."""
        check: dict[str, int | str] = {"port": 8000, "path": "/health"}
        values = {"healthy_within": 20, "kinds": {"store": "exclusive"}, "checks": {"web": check, "store": check}}
        self.settings(**{**values, **more})

    def store_breaks(self, how: str) -> None:
        """Say how the store of the next release breaks: a value of ``BREAK`` in ``examples/web``, or ``none``."""
        (self.checkout / "prod.env").write_text(f"BREAK=none\nSTORE_BREAK={how}\n")

    @property
    def store_url(self) -> str:
        return f"http://{self.host.ip}:{self.store_port}"

    def store_load(self, *, rate: float = 60, answer_within: float = 40.0) -> Load:
        """Return a load of the store, of users who are patient."""
        return Load(
            self.store_url,
            rate=rate,
            seconds=LOAD_SECONDS,
            get=lambda number: "/slow?s=0.3" if number % 10 == 0 else "/",
            post=lambda name: ("/echo", name.encode()),
            answer_within=answer_within,
        )

    def runs(self) -> list[str]:
        """Return what each store noted: begun, ended, or refused where another one ran."""
        path = self.docker("volume", "inspect", "--format", "{{.Mountpoint}}", f"{self.name}_state")
        return [line.split()[0] for line in self.run("cat", f"{path}/runs").splitlines()]
