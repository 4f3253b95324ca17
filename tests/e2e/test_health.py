"""Health that lies: who is live afterwards, and what the screen says."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from switchyard.core.edge import HEADER
from tests.harness.services import IDLE, set_worker, worker_containers
from tests.harness.site import SECONDS


def test_a_release_that_dies_at_its_first_public_request_or_is_wrong_for_users_alone_is_taken_back(site):
    site.settings(checks={"web": {"port": 8000, "path": "/health"}})
    site.commit("1")
    site.receipt("deploy")
    site.rewrite(
        "parts = urlsplit(self.path)\n",
        "parts = urlsplit(self.path)\n"
        f"        if self.headers['Host'].endswith(':{site.port}'):\n            os._exit(9)\n",
        "app.py",
    )
    site.rewrite('"ok\\n"', '"ready\\n"', "app.py")
    site.settings(checks={"web": {"port": 8000, "path": "/health", "body": "ready"}})  # the first release lacks it
    site.commit("2")
    done = site.inv("deploy")
    assert done.returncode == 5 and "taken back" in done.stdout, done.stdout
    assert ("look", "failed") in site.journal()
    assert site.answer() == "1" and "running" not in site.containers("green").values()
    site.rewrite(f".endswith(':{site.port}')", f".startswith('{site.host.ip}:')", "app.py")  # requests of users
    site.rewrite("os._exit(9)", "return self.answer(500, 'wrong')", "app.py")
    site.commit("3")
    wrong = site.inv("deploy")
    assert wrong.returncode == 5 and f"{site.url}/health answered 500: wrong" in wrong.stdout, wrong.stdout
    assert site.journal()[-1] == ("deploy", "taken back") and ("seen", "failed") in site.journal()
    assert site.answer() == "1" and "running" not in site.containers("green").values()


class Cached(BaseHTTPRequestHandler):
    """A cache at the users' address, in front of the edge, that answers by itself."""

    release: str | None = None

    def do_GET(self) -> None:
        self.send_response(200)
        if self.release:
            self.send_header(HEADER, self.release)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Keep requests out of the tests' output."""


def test_a_release_is_taken_back_where_users_get_another_and_unverified_where_nobody_says_which(site):
    site.settings()
    site.commit("1")
    site.receipt("deploy")
    site.commit("2")
    with ThreadingHTTPServer(("127.0.0.1", 0), Cached) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        site.users_ask(f"http://127.0.0.1:{server.server_port}")
        Cached.release = site.receipt("status")["hosts"][0]["live"]["release"]
        wrong = site.inv("deploy")
        assert wrong.returncode == 5 and f"release {Cached.release} answers " in wrong.stdout, wrong.stdout
        assert site.answer() == "1" and site.journal()[-1] == ("deploy", "taken back")
        Cached.release = None
        unverified = site.inv("deploy", "--force", "--yes")
        server.shutdown()
    assert unverified.returncode == 6 and "but not through the edge of this application" in unverified.stdout
    assert site.answer() == "2"


def test_a_slow_application_goes_live(site):
    site.settings(checks={"web": {"port": 8000, "path": "/health"}}, healthy_within=60)
    site.rewrite("parts = urlsplit(self.path)\n", "parts = urlsplit(self.path)\n        time.sleep(3)\n", "app.py")
    site.commit("1")
    site.receipt("deploy")
    assert site.answer() == "1"


def test_health_that_flaps_is_not_health(site):
    site.settings(checks={"web": {"port": 8000, "path": "/health"}})
    site.commit("1")
    site.receipt("deploy")
    site.rewrite('500 if BREAK == "health" else 200', "200 if time.time() % 0.4 < 0.2 else 500", "app.py")
    site.commit("2")
    done = site.inv("deploy")
    assert done.returncode == 1 and "not healthy within 5 s" in done.stdout, done.stdout
    assert site.answer() == "1"


def test_a_live_release_that_fails_its_check_for_a_while_goes_on_answering(site, under_load):
    site.settings(checks={"web": {"port": 8000, "path": "/health"}})
    site.rewrite('500 if BREAK == "health" else 200', '500 if os.path.exists("/tmp/busy") else 200', "app.py")
    site.commit("1")
    site.receipt("deploy")
    (web,) = site.containers("blue")
    (edge,) = site.containers("edge")
    load = under_load()

    def taken_out() -> int:
        """Return how often no server of blue passed the edge's check, whatever place the container has there."""
        return site.docker("logs", edge).count("backend web-8000_blue has no server available")

    before, deadline = taken_out(), time.monotonic() + SECONDS
    site.docker("exec", web, "touch", "/tmp/busy")
    while taken_out() == before:
        assert time.monotonic() < deadline
    answered = [site.answer() for _ in range(50)]
    site.docker("exec", web, "rm", "/tmp/busy")
    summary = load.stop()
    assert answered == ["1"] * 50 and summary.failed == 0, summary.errors


def test_a_worker_that_never_starts_takes_the_whole_release_back(site, under_load):
    set_worker(site, IDLE)
    site.settings(kinds={"worker": "handover"}, healthy_within=20)
    site.commit("1")
    first = site.receipt("deploy")["release"]
    set_worker(site, ["sh", "-c", "echo no work for me; exit 4"])
    site.commit("2")
    load = under_load()
    done = site.inv("deploy")
    summary = load.stop()
    assert done.returncode == 5 and "no work for me" in done.stdout, done.stdout
    assert ("prove_singletons", "failed") in site.journal()
    assert summary.failed == 0, summary.errors
    assert site.receipt("status")["hosts"][0]["live"]["release"] == first
    assert worker_containers(site) == [f"{site.name}-blue-worker-1"]
    kept = f"/home/deploy/apps/{site.name}/releases/*/failed/{site.name}-green"
    assert "no work for me" in site.run("sh", "-c", f"cat {kept}-worker-1.log")
    states = [json.loads(site.run("sh", "-c", f"cat {kept}-{name}-1.json"))["State"] for name in ("web", "worker")]
    assert states[0]["Running"] and states[1]["ExitCode"] == 4, "as it was before it was stopped"
