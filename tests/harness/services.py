"""Services that a test adds to ``examples/web``."""

from __future__ import annotations

import json

from tests.harness.site import Site

WORKER = """
  worker:
    build: .
    command: {command}
    restart: unless-stopped
    stop_grace_period: 2s
    healthcheck:
      test: ["CMD", "true"]
      interval: 1s
"""
IDLE = ["python3", "-c", "import signal, time; signal.signal(15, lambda *_: exit(0)); time.sleep(1e6)"]
"""The command of a worker that runs until it is stopped."""
CACHE = """
  cache:
    image: redis:8
    volumes: ["kept:/data"]
    healthcheck: {{test: ["CMD", "redis-cli", "ping"], interval: 1s}}
  migrate:
    image: redis:8
    command: ["sh", "-c", "{script}"]
volumes:
  kept: {{}}
"""


def set_worker(site: Site, command: list[str]) -> None:
    """Add a worker with this command, or give the worker another command."""
    path = site.app / "compose.yaml"
    services = path.read_text().split("\n  worker:")[0].rstrip()
    path.write_text(f"{services}\n{WORKER.format(command=json.dumps(command))}")


def worker_containers(site: Site) -> list[str]:
    """Return the names of the running handover containers."""
    labels = ("--filter", "label=switchyard.kind=handover", "--filter", f"label=switchyard.app={site.name}")
    return site.docker("ps", "--format", "{{.Names}}", *labels).split()


def set_cache(site: Site, script: str) -> None:
    """Add a shared Redis, and a oneshot that runs this script on its data."""
    path = site.app / "compose.yaml"
    path.write_text(path.read_text().split("\n  cache:")[0].rstrip() + CACHE.format(script=script))


def redis(site: Site, *words: str) -> str:
    """Run ``redis-cli`` in the shared Redis."""
    return site.docker("exec", f"{site.name}-shared-cache-1", "redis-cli", *words)
