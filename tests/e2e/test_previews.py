"""Previews answer while an attempt smokes or a person holds them open, and never after."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
import urllib.request

from tests.e2e.test_edge_names import REACH, REFUSED
from tests.harness.site import SECONDS, Site

KEPT = """import http.client, sys, time
connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=3)
connection.connect()
connection.auto_open = False
try:
    while time.monotonic() < float(sys.argv[2]):
        connection.request("GET", "/")
        print(connection.getresponse().read().decode().strip(), flush=True)
        time.sleep(0.2)
except (OSError, http.client.HTTPException) as error:
    print("refused", flush=True)"""
"""Asks on one connection, again and again, until it is refused."""


def at(site: Site, colour: str) -> str:
    """Return what the host gets from the preview of a colour."""
    ports = json.loads(site.read("edge/previews.json"))
    (port,) = [port for name, port in ports.items() if name.endswith(f"_{colour}")]
    return site.run("python3", "-c", REACH, "127.0.0.1", str(port))


def begun(process: subprocess.Popen[str]) -> str:
    """Return the address that the verb prints."""
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(r"http://127\.0\.0\.1:\d+", line):
            return found[0]
    raise AssertionError("the verb ended before it printed an address")


def page(address: str) -> str:
    with urllib.request.urlopen(address, timeout=5) as answer:
        return str(answer.read().decode().strip())


def test_previews_answer_while_an_attempt_smokes_or_a_person_holds_them_open_and_never_after(site):
    smoke = "python3 -c 'import os, urllib.request as r; r.urlopen(os.environ[\"URL_WEB_8000\"], timeout=5)'"
    site.settings(smoke=["sh", "-c", smoke])
    for version in ("1", "2"):
        site.commit(version)
        site.receipt("deploy")
        assert {at(site, "blue"), at(site, "green")} <= set(REFUSED), "its smoke reached one of them"

    with site.start("preview", "--host", "prod") as process:
        assert page(begun(process)) == "1", "the idle colour, without a choice"
        assert at(site, "blue") == "1" and at(site, "green") in REFUSED
        assert site.inv("rollback").returncode == 0, "nobody waits for who looks"
        assert at(site, "blue") == "1" and at(site, "green") in REFUSED, "the smoke of an attempt closes nothing else"
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 0 and output.strip().endswith("closed: the previews of blue"), output
    assert at(site, "blue") in REFUSED

    with site.start("preview", "--host", "prod", "--colour", "blue", "--within", "4s") as process:
        address = begun(process)
        port = address.rpartition(":")[2]
        deadline = str(time.monotonic() + SECONDS)
        kept = subprocess.run(
            ["python3", "-c", KEPT, port, deadline], capture_output=True, text=True, timeout=SECONDS, check=True
        )
        output, _ = process.communicate(timeout=SECONDS)
    assert kept.stdout.split()[0] == "1" and kept.stdout.split()[-1] == "refused", kept
    assert process.returncode == 0 and output.strip().endswith("closed: the previews of blue"), output

    with site.start("preview", "--host", "prod", "--colour", "blue", "--within", "6s") as process:
        begun(process)
        process.kill()
    assert at(site, "blue") == "1", "nobody closed it"
    deadline = time.monotonic() + SECONDS
    while at(site, "blue") == "1":
        assert time.monotonic() < deadline
    assert at(site, "blue") in REFUSED, "it closed by itself"
    assert [outcome for verb, outcome in site.journal() if verb == "preview"].count("closed") == 2
