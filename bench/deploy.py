"""What Switchyard costs, beside the naive way or a limit, in alternating pairs of one run.

Prints every raw value. Exit 1 where a limit does not hold.
"""

from __future__ import annotations

import argparse
import signal
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable

from bench.hosts import executions, sandbox_host
from bench.measured import Report, timed
from switchyard.control import connection
from switchyard.core.errors import LEASE_HELD
from switchyard.core.wire.receipt import Receipt
from switchyard.settings import load as settings
from tests.harness.relay import Relay
from tests.harness.site import Site

RATE = 200.0
"""Requests a second while ways are compared."""
ROUND_TRIP = 0.05
"""Seconds."""
LIST_MOST, DEPLOY_MOST, HELD_MOST, ROLLBACK_MOST, FAR_MOST = 0.050, 3.0, 2.0, 1.0, 1.5
"""Seconds: ``inv --list`` over bare Invoke, a deploy over build and boot, a deploy that finds the lease held, a warm
rollback nearby and one at ``ROUND_TRIP``."""
DEPLOY_EXECUTIONS, ROLLBACK_EXECUTIONS = 5, 1


def bench_list(report: Report, site: Site, pairs: int) -> None:
    """Time ``inv --list`` beside bare Invoke with as many tasks that do nothing."""
    print("inv --list", flush=True)
    argv = [sys.executable, "-m", "invoke", "--list"]
    bare = site.checkout.parent / "bare"
    bare.mkdir()
    count = len(site.listing().splitlines())
    tasks = "".join(f"@task\ndef task{number}(c):\n    'nothing'\n" for number in range(count))
    (bare / "tasks.py").write_text(f"from invoke import task\n{tasks}")
    ours, naive = [], []
    for _ in range(5 * pairs):
        ours.append(timed(site.listing))
        naive.append(timed(lambda: subprocess.run(argv, cwd=bare, check=True, capture_output=True)))
    report.show("Switchyard", ours)
    report.show("bare Invoke", naive)
    report.limit("the difference", statistics.median(ours) - statistics.median(naive), LIST_MOST)


def bench_deploy(report: Report, site: Site, pairs: int) -> None:
    """Time a deploy beside build and boot of the same application on the same host, each of a commit of its own."""
    print("inv deploy beside the build and boot of the same application", flush=True)
    folder, project = f"/home/deploy/{site.name}-plain", f"{site.name}-plain"
    ours: list[float] = []
    checks: list[float] = []
    plain: list[float] = []
    counted: list[int] = []

    def deploy() -> None:
        (machine,) = Receipt.decode(site.receipt("deploy")).hosts
        checks.extend(step.seconds for step in machine.steps if step.name == "predeploy")

    def build_and_boot() -> None:
        site.docker("compose", "-p", project, "--project-directory", folder, "up", "-d", "--build")
        while not is_served(site.host.ip, site.port + 1000):
            time.sleep(0.02)

    for number in range(pairs):
        site.commit(f"deployed {number}")
        before = executions(site)
        ours.append(timed(deploy))
        counted.append(executions(site) - before)
        site.commit(f"booted {number}")
        site.copy_to(folder, site.port + 1000)
        plain.append(timed(build_and_boot))
        site.docker("compose", "-p", project, "--project-directory", folder, "down")
    report.show("inv deploy, from start to end", ours)
    report.show("its step predeploy", checks)
    report.show("docker compose up -d --build, until it answers", plain)
    report.show("remote executions of a deploy, in sshd's log", counted, "")
    rounds = zip(ours, checks, plain, strict=True)
    more = statistics.median(deployed - checked - booted for deployed, checked, booted in rounds)
    report.limit("deploy - predeploy - (build + boot)", more, DEPLOY_MOST)
    report.limit("executions of a deploy", max(counted), DEPLOY_EXECUTIONS)


def bench_held(report: Report, site: Site, pairs: int) -> None:
    """Time a deploy that finds another one at work, from start to end."""
    print("inv deploy beside another one", flush=True)
    site.commit("first of two")
    dockerfile = site.app / "Dockerfile"
    text = dockerfile.read_text()
    dockerfile.write_text(text.replace("USER nobody", "RUN sleep 20\nUSER nobody"))
    site.commit("second of two")
    seconds = []
    with site.start("deploy", "--host", "prod") as process:
        while "sleep 20" not in site.run("ps", "-ef"):
            require(process.poll() is None, "the deploy that holds the lease ended early")
            time.sleep(0.1)
        for _ in range(pairs):
            seconds.append(timed(lambda: require(site.inv("deploy").returncode == LEASE_HELD, "the lease was free")))
        process.send_signal(signal.SIGINT)
        process.communicate()
    dockerfile.write_text(text)
    report.show("until it says who holds the lease", seconds)
    report.limit("the median of that", statistics.median(seconds), HELD_MOST)


def require(holds: bool, problem: str) -> None:
    """Exit with a problem unless it ``holds``."""
    if not holds:
        raise SystemExit(problem)


def bench_rollback(report: Report, site: Site, relay: Relay, pairs: int) -> None:
    """Time a rollback from its start until the last new request reaches the bad release, near and far."""
    print(f"inv rollback, warm, under load; far: a round trip of {ROUND_TRIP * 1000:.0f} ms", flush=True)
    near: list[float] = []
    far: list[float] = []
    counted: list[int] = []
    for number in range(2 * pairs):
        is_far = number % 2 == 1
        site.commit(f"bad {number}")
        bad = Receipt.decode(site.receipt("deploy")).release
        site.reach_through(relay.port if is_far else site.host.port)
        before = executions(site)
        load = site.load(rate=RATE).start()
        time.sleep(1)
        began = time.time()
        site.receipt("rollback")
        summary = load.stop()
        counted.append(executions(site) - before)
        last = max(record.start for record in summary.records if record.release == bad)
        (far if is_far else near).append(summary.began + last - began)
        if summary.failed:
            report.broken.append(f"{summary.failed} of {summary.sent} requests failed in a rollback")
    site.reach_through(site.host.port)
    report.show("near", near)
    report.show("far", far)
    report.show("remote executions of a rollback, in sshd's log", counted, "")
    report.limit("a warm rollback", statistics.median(near), ROLLBACK_MOST)
    report.limit("a warm rollback from afar", statistics.median(far), FAR_MOST)
    report.limit("executions of a rollback", max(counted), ROLLBACK_EXECUTIONS)


def bench_naive(report: Report, site: Site, pairs: int) -> None:
    """Time both ways under 200 requests a second, and count the requests that fail."""
    print("beside git pull && docker compose up -d --build over SSH, both under 200 requests a second", flush=True)
    folder, project, port = f"/home/deploy/{site.name}-naive", f"{site.name}-naive", site.port + 1000
    site.commit("naive")
    remote = clone(site, folder, port)
    host = settings.host(site.checkout, "prod")
    pull = f"cd {folder} && git pull --quiet && docker compose -p {project} up -d --build 2>&1"
    shell = connection.connect(host, host.setting.machines[0])
    shell.run(f"cd {folder} && docker compose -p {project} up -d --build --wait 2>&1", hide=True)
    ours: list[tuple[float, int, int]] = []
    naive: list[tuple[float, int, int]] = []
    for number in range(pairs):
        site.commit(f"ours {number}")
        ours.append(under_load(site, site.url, lambda: site.receipt("deploy")))
        site.commit(f"naive {number}")
        push(site, remote)
        naive.append(under_load(site, f"http://{site.host.ip}:{port}", lambda: shell.run(pull, hide=True)))
    shell.close()
    site.docker("compose", "-p", project, "--project-directory", folder, "down")
    for name, rounds in (("inv deploy", ours), ("git pull && docker compose up -d --build", naive)):
        report.show(name, [seconds for seconds, _, _ in rounds])
        sent = ", ".join(str(sent) for _, _, sent in rounds)
        report.show(f"failed requests of {sent}", [failed for _, failed, _ in rounds], "")
    report.limit("failed requests of inv deploy", sum(failed for _, failed, _ in ours), 0)
    if not sum(failed for _, failed, _ in naive):
        report.broken.append("the naive way dropped nothing, so the load proves nothing")


def is_served(address: str, port: int) -> bool:
    """Return whether a page comes back whole."""
    try:
        with urllib.request.urlopen(f"http://{address}:{port}/", timeout=5) as page:
            return bool(page.read())
    except OSError:
        return False


def under_load(site: Site, url: str, deploy: Callable[[], object]) -> tuple[float, int, int]:
    """Return seconds, failed and sent requests. The load begins 2 s earlier and ends 2 s later."""
    load = site.load(url, rate=RATE).start()
    time.sleep(2)
    seconds = timed(deploy)
    time.sleep(2)
    summary = load.stop()
    return seconds, summary.failed, summary.sent


def clone(site: Site, folder: str, port: int) -> str:
    """Make a clone on the host of a repository there, as for a deploy by hand, and return the repository's path."""
    remote = f"{folder}.git"
    site.copy_to(f"{remote}.work", port)
    site.run("rm", "-rf", f"{remote}.work/.git")
    for words in (f"init --quiet --bare --initial-branch=main {remote}", f"init --quiet -b main {remote}.work"):
        site.run("sh", "-c", f"git {words}")
    push(site, remote)
    site.run("su", "deploy", "-c", f"git clone --quiet {remote} {folder}")
    return remote


def push(site: Site, remote: str) -> None:
    """Commit the application's version of now to the repository on the host."""
    work = f"{remote}.work"
    subprocess.run(
        ["docker", "cp", "--quiet", str(site.app / "VERSION"), f"{site.host.container}:{work}/VERSION"], check=True
    )
    site.run("chown", "-R", "deploy:", work, remote)
    commit = "git add --all && git -c user.name=B -c user.email=b@localhost commit --quiet --message next"
    site.run("su", "deploy", "-c", f"cd {work} && {commit} && git push --quiet {remote} HEAD:main")


def main() -> int:
    parts = ("list", "deploy", "held", "rollback", "naive")
    parser = argparse.ArgumentParser(prog="nox -s bench --", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pairs", type=int, default=3, help="how often to measure each pair (3)")
    parser.add_argument("--only", choices=parts, nargs="*", default=parts, help="which parts (all)")
    options = parser.parse_args()
    report = Report()
    with sandbox_host() as (host, folder):
        site = Site(folder / "site", host, folder / "state")
        site.commit("first")
        site.receipt("deploy")
        for part in options.only:
            match part:
                case "list":
                    bench_list(report, site, options.pairs)
                case "deploy":
                    bench_deploy(report, site, options.pairs)
                case "held":
                    bench_held(report, site, options.pairs)
                case "rollback":
                    bench_rollback(report, site, Relay(host.port, ROUND_TRIP / 2), options.pairs)
                case "naive":
                    bench_naive(report, site, options.pairs)
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
