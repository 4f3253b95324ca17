"""The example under load: releases and a rollback lose no request, no job, no session and no row."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import re
import time

import pytest
import websockets.sync.client

from tests.harness.betting import Betting
from tests.harness.load import Holders
from tests.harness.site import clear, require_formats

RERUN = b"\x5a\x00"
"""A BackMsg that asks for a run of the script, with nothing set."""
UUID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@pytest.fixture
def betting(tmp_path, sandbox_host):
    site = Betting(tmp_path, *sandbox_host)
    yield site
    try:
        require_formats(site)
    finally:
        clear(site)


class Session:
    """One browser's session with the dashboard."""

    def __init__(self, site: Betting) -> None:
        self.site, self.cookie = site, ""
        self.release = self.page()
        self.held = contextlib.ExitStack()
        opening = websockets.sync.client.connect(
            f"ws://{site.host.ip}:{site.dashboard}/_stcore/stream",
            additional_headers={"Cookie": self.cookie},
            subprotocols=[websockets.Subprotocol("streamlit")],
            max_size=None,
            proxy=None,
        )
        self.socket = self.held.enter_context(opening)
        self.socket.send(RERUN)
        self.name = self.read()

    def request(self, method: str, path: str, body: bytes | None = None, **headers: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection(self.site.host.ip, self.site.dashboard, timeout=10)
        with contextlib.closing(connection):
            connection.request(method, path, body, {"Cookie": self.cookie, **headers})
            answer = connection.getresponse()
            answer.read()
        return answer

    def page(self) -> str:
        """Load the page and return the release that answers."""
        answer = self.request("GET", "/", Accept="text/html")
        assert answer.status == 200
        self.cookie = answer.headers["Set-Cookie"].split(";")[0]
        return answer.headers["X-Switchyard-Release"]

    def read(self) -> str:
        """Return the session's name: the last name in NewSession, the first message with names."""
        while True:
            names = UUID.findall(self.socket.recv(timeout=20))
            if names:
                return names[-1].decode()

    def upload(self) -> int:
        body = b'--x\r\nContent-Disposition: form-data; name="f"; filename="g.csv"\r\n\r\n1\r\n--x--\r\n'
        path = f"/_stcore/upload_file/{self.name}/7e6d7dfb-5f8d-4b3e-8d0a-0a6f0c5b1a11"
        return self.request("PUT", path, body, **{"Content-Type": "multipart/form-data; boundary=x"}).status


def test_releases_and_a_rollback_of_the_example_lose_no_request_job_session_or_row(betting, capsys):
    betting.commit("1")
    first = betting.receipt("deploy")["release"]
    betting.sql(
        "INSERT INTO games (id, sport, home, away, home_won) "
        "SELECT 'row ' || n, 'football', 'C', 'D', true FROM generate_series(1, 1000) n"
    )
    betting.run("sh", "-c", f"echo kept > /home/deploy/apps/{betting.name}/data/uploads/file")
    mounts = "{{.Id}} {{.State.StartedAt}} {{range .Mounts}}{{.Name}} {{end}}"
    shared = betting.docker("inspect", "--format", mounts, *betting.containers("shared"))
    load, before = betting.load(), Session(betting)
    holders = Holders(
        f"ws://{betting.host.ip}:{betting.dashboard}/_stcore/stream",
        20,
        headers={"Cookie": before.cookie},
        subprotocols=("streamlit",),
    )
    load.start()
    holders.start()
    (betting.app / "migrations" / "0002_season.sql").write_text("ALTER TABLE games ADD COLUMN season integer;\n")
    betting.commit("2")
    second = betting.receipt("deploy")["release"]
    after = Session(betting)
    assert (before.release, after.release) == (first, second)
    assert before.upload() == 204, "a session opened before the switch uploads to its own server"
    assert after.upload() == 204
    assert before.page() == second, "a page is loaded from the live release"
    back = betting.inv("rollback")
    assert back.returncode == 0, back.stdout
    assert "the schema stays at 0002_season.sql, ahead of" in back.stdout, back.stdout
    assert "stay open on the old colour and may finish there" in back.stdout, back.stdout
    summary, sockets = load.stop(), holders.stop()
    before.held.close()
    after.held.close()

    assert summary.failed == 0, summary.errors
    assert set(summary.ids_sent) == set(summary.ids_answered)
    assert set(summary.releases) == {first, second}
    assert sockets.opened == 20 and sockets.cuts == () and sockets.exchanges > 200
    stored = {name for (name,) in betting.sql("SELECT id FROM games WHERE id NOT LIKE 'row %'")}
    assert stored == set(summary.ids_sent)
    assert betting.sql("SELECT count(*) FROM games WHERE id LIKE 'row %'") == [["1000"]]
    deadline = time.monotonic() + 60
    while (left := betting.sql("SELECT count(*) FROM games WHERE rated IS NULL")) != [["0"]]:
        assert time.monotonic() < deadline, left
    jobs = [name for (name,) in betting.sql("SELECT game FROM jobs WHERE game NOT LIKE 'row %'")]
    assert sorted(jobs) == sorted(stored), "each game is rated once"

    beats = betting.sql("SELECT container, version, extract(epoch FROM at) FROM heartbeats ORDER BY at")
    workers = [version for version, _ in itertools.groupby(beats, key=lambda beat: beat[1])]
    assert workers == ["1", "2", "1"], "workers took turns and never ran together"
    gap = max(float(later[2]) - float(earlier[2]) for earlier, later in itertools.pairwise(beats))
    with capsys.disabled():
        print(f"\n{summary.sent} requests, {len(stored)} games, the longest time without a worker {gap:.2f} s")
    assert betting.docker("inspect", "--format", mounts, *betting.containers("shared")) == shared
    (api,) = betting.docker("ps", "--quiet", "--filter", f"name={betting.name}-blue-api-").split()
    assert betting.docker("exec", "--user", "0", api, "cat", "/uploads/file") == "kept"
