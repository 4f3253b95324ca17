"""Scale and restart work on the live colour without a failed request."""

from __future__ import annotations

import json
import time

from tests.harness.site import Site

SAY = """
import socket, sys
link = socket.socket(socket.AF_UNIX)
link.connect(sys.argv[1])
link.sendall(sys.argv[2].encode() + b"\\n")
print(link.recv(65536).decode())
"""


def take_out(site: Site, colour: str) -> None:
    """Leave a colour's servers as a program does that is killed while it waits for them to become idle."""
    commands = ";".join(f"set server web-8000_{colour}/s{number} state drain" for number in range(1, 9))
    site.run("python3", "-c", SAY, f"/home/deploy/apps/{site.name}/edge/run/edge.sock", commands)


def wait_for_servers(site: Site, count: int) -> None:
    """Wait until this many servers of the edge answer users."""
    (edge,), deadline, servers = site.containers("edge"), time.monotonic() + 20, set()
    while len(servers) != count:
        assert time.monotonic() < deadline, servers
        lines = site.docker("logs", "--tail", "40", edge).splitlines()
        servers = {json.loads(line)["server"] for line in lines if line.startswith("{")}


def test_scale_runs_so_many_without_a_failed_request_and_later_releases_keep_it(site, under_load):
    site.settings(healthy_within=60)
    late = ["sh", "-c", "sleep 1; exec python3 app.py"]
    site.rewrite("    build: .\n", f"    build: .\n    command: {json.dumps(late)}\n")
    site.commit("1")
    site.receipt("deploy")
    load = under_load()
    assert site.inv("scale", "--service", "web", "--count", "2").returncode == 0
    assert list(site.containers("blue").values()) == ["running", "running"]
    wait_for_servers(site, 2)
    take_out(site, "green")
    site.commit("2")
    site.receipt("deploy")
    assert list(site.containers("green").values()) == ["running", "running"]
    assert site.inv("restart", "--service", "web").returncode == 0
    wait_for_servers(site, 2)
    assert site.inv("scale", "--service", "web", "--count", "1").returncode == 0
    assert list(site.containers("green").values()) == ["running"]
    wait_for_servers(site, 1)
    assert site.inv("scale", "--service", "web", "--count", "2").returncode == 0
    wait_for_servers(site, 2)
    summary = load.stop()
    assert summary.sent > 500 and summary.failed == 0, summary.errors
    (edge,) = site.containers("edge")
    tries = [json.loads(line) for line in site.docker("logs", edge).splitlines() if line.startswith("{")]
    assert not [line for line in tries if int(line["retries"])], "one that does not listen yet, or no more, was asked"
    entries = site.journal()
    for step, ends in (("scale", "scaled"), ("restart", "restarted")):
        outcomes = [what for name, what in entries if name == step]
        assert outcomes[:3] == ["intent", "done", ends], "an intent before, an outcome after, and the attempt's end"
    refused = site.inv("scale", "--service", "nothing", "--count", "2")
    assert refused.returncode == 2 and "web" in refused.stdout
    assert site.inv("scale", "--service", "web", "--count", "99").returncode == 2
