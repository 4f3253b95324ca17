"""Time the verbs that only look on a host with twelve services whose health checks are slow.

Prints every raw value. Exit 1 where a limit does not hold.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time

from bench.hosts import sandbox_host
from bench.measured import Report, timed
from tests.harness.twelve_services import PLAIN, TwelveServices

STATUS_MOST, OVER_HISTORY_MOST = 1.5, 2.0
"""Seconds of ``inv status``, and how many times those of ``inv history``, which asks no container anything."""
SLOW = 2.0
"""Seconds of a health check that passes."""
VERBS = ("status", "history", "doctor", "plan", "services")


def bench_looks(report: Report, site: TwelveServices, pairs: int) -> None:
    """Time each verb in turns, beside one look at each service in a row by its own health check."""
    seconds: dict[str, list[float]] = {verb: [] for verb in VERBS}
    for _ in range(pairs):
        for verb in VERBS:
            seconds[verb].append(timed(lambda verb=verb: site.inv(verb)))  # type: ignore[misc]
    for verb in VERBS:
        report.show(f"inv {verb}", seconds[verb])
    report.limit("inv status", statistics.median(seconds["status"]), STATUS_MOST)
    pairs_of = zip(seconds["status"], seconds["history"], strict=True)
    ratios = [status / history for status, history in pairs_of]
    report.show("inv status over inv history", ratios, "")
    report.limit("the median of that", statistics.median(ratios), OVER_HISTORY_MOST)


def main() -> int:
    parser = argparse.ArgumentParser(prog="nox -s bench -- looks", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pairs", type=int, default=5, help="how often to time each verb (5)")
    options = parser.parse_args()
    report = Report()
    with sandbox_host() as (host, folder):
        site = TwelveServices(folder / "site", host, folder / "state")
        site.commit("first")
        site.receipt("deploy")
        site.slow_down(SLOW)
        time.sleep(SLOW)  # the checks of before have ended
        print(f"a host with {1 + len(PLAIN)} services; health checks take {SLOW:.0f} s, one hangs", flush=True)
        bench_looks(report, site, options.pairs)
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
