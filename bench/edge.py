"""Measure what an edge costs that nobody uses, with ten routes.

Prints every raw value. Exit 1 where the limit does not hold.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time

from bench.hosts import sandbox_host
from bench.measured import Report
from tests.harness.site import PORTS, Site

ROUTES = 10
SECONDS = 20.0
"""How long each value is measured."""
IDLE_MOST = 0.5
"""Per cent of one core."""


MORE = """    for number in range(1, ROUTES):
        more = Server(("", 8000 + number), Handler)
        threading.Thread(target=more.serve_forever, daemon=True).start()
    server = """


def publish(site: Site) -> None:
    """Publish ten addresses, each of a port of its own, so that the edge checks each of them in each colour."""
    more = "".join(f'\n      - "{next(PORTS)}:{8000 + number}"' for number in range(1, ROUTES))
    site.rewrite(f'"{site.port}:8000"', f'"{site.port}:8000"{more}')
    site.rewrite("    server = ", MORE.replace("ROUTES", str(ROUTES)), "app.py")


def processor_seconds(site: Site) -> float:
    """Return the seconds of a core that the edge's processes have used."""
    (edge,) = site.containers("edge")
    pids = site.docker("top", edge, "-eo", "pid").split()[1:]
    ticks = [site.run("cat", f"/proc/{pid}/stat").rpartition(")")[2].split()[11:13] for pid in pids]
    return sum(int(tick) for each in ticks for tick in each) / 100


def main() -> int:
    parser = argparse.ArgumentParser(prog="nox -s bench -- edge", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="how often to measure (3)")
    options = parser.parse_args()
    report = Report()
    with sandbox_host() as (host, folder):
        site = Site(folder / "site", host, folder / "state")
        publish(site)
        for version in ("first", "second"):
            site.commit(version)
            site.receipt("deploy")
        shares = []
        for _ in range(options.rounds):
            before, began = processor_seconds(site), time.monotonic()
            time.sleep(SECONDS)
            shares.append(100 * (processor_seconds(site) - before) / (time.monotonic() - began))
        report.show(f"an idle edge with {ROUTES} routes", shares, "% of a core")
        report.limit("an idle edge", statistics.median(shares), IDLE_MOST)
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
