"""The example ``examples/web`` with a store: an exclusive service, which refuses to run twice on its volume."""

from __future__ import annotations

from switchyard.core.wire.message import Json
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
SERVICE = """  store:
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


CHECK: Json = {"port": 8000, "path": "/health"}
"""The check of both services."""


def add_store(site: Site) -> int:
    """Add the store to an application of ``examples/web``. Return the port at which users reach it."""
    port = next(PORTS)
    (site.app / "store.py").write_text(STORE)
    site.rewrite("COPY VERSION app.py ./", "COPY VERSION app.py store.py ./", "Dockerfile")
    for name, more in (("compose.yaml", SERVICE.format(port=port)), (".dockerignore", "!store.py\n")):
        path = site.app / name
        path.write_text(path.read_text() + more)
    return port


def store_runs(site: Site) -> list[str]:
    """Return what each store noted: begun, ended, or refused where another one ran."""
    path = site.docker("volume", "inspect", "--format", "{{.Mountpoint}}", f"{site.name}_state")
    return [line.split()[0] for line in site.run("cat", f"{path}/runs").splitlines()]


class WebWithStore(Site):
    """A routed service and an exclusive one."""

    def set_up(self) -> None:
        self.store_port = add_store(self)
        self.store_settings()
        self.store_breaks("none")

    def store_settings(self, **more: int) -> None:
        """Write the settings, with other times where ``more`` has some."""
        checks: Json = dict.fromkeys(("web", "store"), CHECK)
        values: dict[str, Json] = {"healthy_within": 20, "kinds": {"store": "exclusive"}, "checks": checks}
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
