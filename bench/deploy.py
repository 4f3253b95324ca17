"""What Switchyard costs, measured against the naive way or the limit, in alternating pairs of one run.

Prints every raw value. Exit 1 where a limit does not hold.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from bench.measured import Report, timed
from switchyard.control import channel as line
from switchyard.control import sandbox
from switchyard.core.errors import LEASE_HELD
from switchyard.settings import load as settings
from tests.harness.relay import Relay
from tests.harness.site import Site

ROUND_TRIP = 0.05
LIST_MOST, DEPLOY_MOST, HELD_MOST, ROLLBACK_MOST, FAR_MOST = 0.050, 3.0, 2.0, 1.0, 1.5
"""Seconds: ``inv --list`` over bare Invoke, a deploy over build and boot, one that finds the lease held, a warm
rollback near and at a round trip."""
DEPLOY_EXECUTIONS, ROLLBACK_EXECUTIONS = 5, 1
SESSIONS = "grep -c 'Starting session: command' /var/log/sshd.log || true"


def bench_list(report: Report, site: Site, pairs: int) -> None:
    """``inv --list`` beside bare Invoke with as many tasks that do nothing."""
    print("inv --list", flush=True)
    argv = [sys.executable, "-m", "invoke", "--list"]
    bare = site.checkout.parent / "bare"
    bare.mkdir()
    count = len(site.list().splitlines())
    tasks = "".join(f"@task\ndef task{number}(c):\n    'nothing'\n" for number in range(count))
    (bare / "tasks.py").write_text(f"from invoke import task\n{tasks}")
    ours, naive = [], []
    for _ in range(5 * pairs):
        ours.append(timed(site.list))
        naive.append(timed(lambda: subprocess.run(argv, cwd=bare, check=True, capture_output=True)))
    report.show("Switchyard", ours)
    report.show("bare Invoke", naive)
    report.limit("the difference", statistics.median(ours) - statistics.median(naive), LIST_MOST)


def bench_deploy(report: Report, site: Site, pairs: int) -> None:
    """A deploy beside build and boot of the same application on the same host, each of a commit of its own."""
    print("inv deploy beside the build and boot of the same application", flush=True)
    folder, project = f"/home/deploy/{site.name}-plain", f"{site.name}-plain"
    ours, checks, plain, counted = [], [], [], []

    def deploy() -> None:
        (machine,) = site.receipt("deploy")["hosts"]
        checks.extend(step["seconds"] for step in machine["steps"] if step["name"] == "predeploy")

    def build_and_boot() -> None:
        site.docker("compose", "-p", project, "--project-directory", folder, "up", "-d", "--build")
        while not answers(site.host.ip, site.port + 1000):
            time.sleep(0.02)

    for number in range(pairs):
        site.commit(f"deployed {number}")
        before = sessions(site)
        ours.append(timed(deploy))
        counted.append(sessions(site) - before)
        site.commit(f"booted {number}")
        site.copy_to(folder, site.port + 1000)
        plain.append(timed(build_and_boot))
        site.docker("compose", "-p", project, "--project-directory", folder, "down")
    report.show("inv deploy, from its start to its end", ours)
    report.show("of it predeploy, a step of its own", checks)
    report.show("docker compose up -d --build, until it answers", plain)
    report.show("remote executions of a deploy, in sshd's log", counted, "")
    pairs_of = zip(ours, checks, plain, strict=True)
    more = statistics.median(mine - checked - theirs for mine, checked, theirs in pairs_of)
    report.limit("deploy - predeploy - (build + boot)", more, DEPLOY_MOST)
    report.limit("executions of a deploy", max(counted), DEPLOY_EXECUTIONS)


def bench_held(report: Report, site: Site, pairs: int) -> None:
    """A deploy that finds another one at work, from its start to its end."""
    print("inv deploy beside another one", flush=True)
    site.commit("first of two")
    dockerfile = site.app / "Dockerfile"
    text = dockerfile.read_text()
    dockerfile.write_text(text.replace("USER nobody", "RUN sleep 20\nUSER nobody"))
    site.commit("second of two")
    away = []
    with site.start("deploy", "--host", "prod") as process:
        while "sleep 20" not in site.run("ps", "-ef"):
            require(process.poll() is None, "the deploy that holds the lease ended early")
            time.sleep(0.1)
        for _ in range(pairs):
            away.append(timed(lambda: require(site.inv("deploy").returncode == LEASE_HELD, "the lease was not held")))
        process.send_signal(signal.SIGINT)
        process.communicate()
    dockerfile.write_text(text)
    report.show("until it says who holds the lease", away)
    report.limit("the median of that", statistics.median(away), HELD_MOST)


def require(holds: bool, else_what: str) -> None:
    if not holds:
        raise SystemExit(else_what)


def bench_rollback(report: Report, site: Site, relay: Relay, pairs: int) -> None:
    """From the start of the process until the last new request reached the bad release; near and far."""
    print(f"inv rollback, warm, under load; far: a round trip of {ROUND_TRIP * 1000:.0f} ms", flush=True)
    near, far, counted = [], [], []
    for number in range(2 * pairs):
        at_a_distance = number % 2 == 1
        site.commit(f"bad {number}")
        bad = site.receipt("deploy")["release"]
        site.reach_through(relay.port if at_a_distance else site.host.port)
        load, before = site.load(), sessions(site)
        load.start()
        time.sleep(1)
        began = time.time()
        site.receipt("rollback")
        summary = load.stop()
        counted.append(sessions(site) - before)
        last = max(record.start for record in summary.records if record.release == bad)
        (far if at_a_distance else near).append(summary.began + last - began)
        report_failed(report, "rollback", summary.failed, summary.sent)
    site.reach_through(site.host.port)
    report.show("near", near)
    report.show("far", far)
    report.show("remote executions of a rollback, in sshd's log", counted, "")
    report.limit("a warm rollback", statistics.median(near), ROLLBACK_MOST)
    report.limit("a warm rollback from afar", statistics.median(far), FAR_MOST)
    report.limit("executions of a rollback", max(counted), ROLLBACK_EXECUTIONS)


def bench_naive(report: Report, site: Site, pairs: int) -> None:
    """Both ways under 200 requests a second: seconds, and requests that failed."""
    print("beside git pull && docker compose up -d --build over SSH, both under 200 requests a second", flush=True)
    folder, project, port = f"/home/deploy/{site.name}-naive", f"{site.name}-naive", site.port + 1000
    site.commit("naive")
    remote = clone(site, folder, port)
    host = settings.host(site.checkout, "prod")
    pull = f"cd {folder} && git pull --quiet && docker compose -p {project} up -d --build 2>&1"
    shell = line.connect(host, host.setting.machines[0])
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
        report.show(
            f"failed requests of {', '.join(str(sent) for _, _, sent in rounds)}", [f for _, f, _ in rounds], ""
        )
    report.limit("failed requests of inv deploy", sum(failed for _, failed, _ in ours), 0)
    if not sum(failed for _, failed, _ in naive):
        report.broken.append("the naive way dropped nothing, so the load proves nothing")


def answers(address: str, port: int) -> bool:
    """Whether a page comes back whole."""
    try:
        with urllib.request.urlopen(f"http://{address}:{port}/", timeout=5) as page:
            return bool(page.read())
    except OSError:
        return False


def under_load(site: Site, url: str, do: Callable[[], object]) -> tuple[float, int, int]:
    """Seconds, failed and sent requests; two seconds more of load on either side."""
    load = site.load(url)
    load.start()
    time.sleep(2)
    seconds = timed(do)
    time.sleep(2)
    summary = load.stop()
    return seconds, summary.failed, summary.sent


def report_failed(report: Report, what: str, failed: int, sent: int) -> None:
    if failed:
        report.broken.append(f"{failed} of {sent} requests failed in a {what}")


def sessions(site: Site) -> int:
    """Commands that sshd was asked to run so far."""
    return int(site.run("sh", "-c", SESSIONS))


def clone(site: Site, folder: str, port: int) -> str:
    """A clone on the host of a repository there, as somebody's who deploys by hand; the repository's path."""
    remote = f"{folder}.git"
    site.copy_to(f"{remote}.work", port)
    site.run("rm", "-rf", f"{remote}.work/.git")
    for words in (f"init --quiet --bare --initial-branch=main {remote}", f"init --quiet -b main {remote}.work"):
        site.run("sh", "-c", f"git {words}")
    push(site, remote)
    site.run("su", "deploy", "-c", f"git clone --quiet {remote} {folder}")
    return remote


def push(site: Site, remote: str) -> None:
    """The application's version as it is now, as the next commit of the repository on the host."""
    work = f"{remote}.work"
    subprocess.run(
        ["docker", "cp", "--quiet", str(site.app / "VERSION"), f"{site.host.container}:{work}/VERSION"], check=True
    )
    site.run("chown", "-R", "deploy:", work, remote)
    commit = "git add --all && git -c user.name=B -c user.email=b@localhost commit --quiet --message next"
    site.run("su", "deploy", "-c", f"cd {work} && {commit} && git push --quiet {remote} HEAD:main")


def main() -> int:
    parts = {
        "list": bench_list,
        "deploy": bench_deploy,
        "held": bench_held,
        "rollback": bench_rollback,
        "naive": bench_naive,
    }
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--pairs", type=int, default=3, help="how often each pair is measured (3)")
    arguments.add_argument("--only", choices=parts, nargs="*", default=list(parts), help="which parts (all)")
    options = arguments.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    report = Report()
    with tempfile.TemporaryDirectory(prefix="switchyard-bench-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        (host,) = sandbox.up(1, state=folder / "state")
        stack.callback(sandbox.down, state=folder / "state", images=False)
        site = Site(folder / "site", host, folder / "state")
        site.commit("first")
        site.receipt("deploy")
        for part in options.only:
            if part == "rollback":
                bench_rollback(report, site, Relay(host.port, ROUND_TRIP / 2), options.pairs)
            else:
                parts[part](report, site, options.pairs)
    for problem in report.broken:
        print(f"not held: {problem}")
    print(json.dumps({"v": 1, "broken": report.broken}))
    return 1 if report.broken else 0


if __name__ == "__main__":
    sys.exit(main())
