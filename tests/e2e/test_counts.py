"""What a real edge counts: exactly what was sent, through reloads and a switch."""

from __future__ import annotations

import http.client
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from switchyard.core import edge_counts, traffic
from switchyard.core.app import Route
from switchyard.core.wire.traffic import RouteTraffic, Traffic
from tests.harness.answering_application import KEY
from tests.harness.edge_container import RELEASES, EdgeContainer, edge_container, wait_for

pytestmark = pytest.mark.e2e

WEB, QUEUE, CLOSED = Route("web", 8000, 80), Route("queue", 8000, 6379, mode="tcp"), Route("closed", 9, 9, mode="tcp")
REQUESTS, CLIENTS = 10_000, 24
DELAYS = {0: "1", 1300: "2", 2600: "5"}
"""Milliseconds that an answer takes, each with its bucket. Here a busy machine cannot move it to another: those up to
1 s count as one."""


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[EdgeContainer]:
    with edge_container(tmp_path, [WEB, QUEUE, CLOSED], checked=[WEB, QUEUE]) as running:
        yield running


def counted(edge: EdgeContainer) -> Traffic:
    """Return what the edge counted, once it knows."""
    readings: list[traffic.Reading] = []

    def is_read() -> bool:
        reading = traffic.read(edge.proxy.say(traffic.COMMAND))
        readings.extend([reading] if reading else [])
        return reading is not None

    wait_for(is_read, "the edge answers what it counted")
    return traffic.traffic(readings[-1], "blue", RELEASES["blue"], 0.0)


def of(edge: EdgeContainer, colour: str, route: Route = WEB) -> RouteTraffic:
    """Return what a colour got at a route; nothing is a row of zeros."""
    found = [each for each in counted(edge).routes if (each.colour, each.leads) == (colour, route.name)]
    assert len(found) <= 1
    return found[0] if found else RouteTraffic("", route.name, colour, "", route.mode, 0, 0, 0, 0, 0, 0)


class Clients:
    """Clients that send requests with known answers on connections of their own."""

    def __init__(self, edge: EdgeContainer, seed: int) -> None:
        self.sent: Counter[tuple[int, str, str]] = Counter()
        """By status, bucket, and the release that answered."""
        self.failures: list[str] = []
        self._address = edge.address()
        self._draw = random.Random(seed)
        self._counting = threading.Lock()
        self._threads = [threading.Thread(target=self._run, args=(REQUESTS // CLIENTS + 1,)) for _ in range(CLIENTS)]
        self._left = REQUESTS

    def _run(self, most: int) -> None:
        connection = http.client.HTTPConnection(*self._address, timeout=30)
        while True:
            with self._counting:
                if self._left == 0:
                    break
                self._left -= 1
                status = self._draw.choice([200] * 12 + [204, 404, 500, 503])
                delay = self._draw.choice([0] * 150 + [*DELAYS])
            try:
                connection.request("GET", f"/{status}/{delay}")
                answer = connection.getresponse()
                answer.read()
                release = answer.headers["X-Switchyard-Release"]
                with self._counting:
                    self.sent[answer.status, DELAYS[delay], release] += 1
            except (OSError, http.client.HTTPException) as failure:
                self.failures.append(repr(failure))
                connection.close()
        connection.close()

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def reach(self, share: float) -> None:
        """Wait until this share is sent."""
        wait_for(lambda: self._left <= REQUESTS * (1 - share), f"{share} of the requests are sent", within=60)

    def join(self) -> None:
        for thread in self._threads:
            thread.join()


def test_10_000_requests_through_two_reloads_and_a_switch_are_counted_exactly(edge):
    clients = Clients(edge, seed=1)
    clients.start()
    clients.reach(0.2)
    edge.reload()
    clients.reach(0.5)
    edge.proxy.switch("green")
    clients.reach(0.7)
    edge.reload()
    clients.join()
    assert clients.failures == []
    wait_for(lambda: edge.processes() == 2, "the replaced processes told their last")
    for colour, release in RELEASES.items():
        sent = Counter({each[:2]: count for each, count in clients.sent.items() if each[2] == release})
        row = of(edge, colour)
        assert row.requests == sent.total() > REQUESTS / 10
        assert row.errors == sum(count for (status, _), count in sent.items() if status >= 500)
        assert (row.failed, row.active, row.websockets) == (0, 0, 0)
        buckets: Counter[str] = Counter()
        for name, count in row.latency.items():
            buckets["1" if name in ("0.05", "0.1", "0.25", "0.5") else name] += count
        assert +buckets == Counter(bucket for (_, bucket), count in sent.items() for _ in range(count))
    (address,) = [each for each in counted(edge).addresses if each.address == "0.0.0.0:80"]
    assert (address.active, address.refused) == (0, 0)
    assert sum(clients.sent.values()) == REQUESTS


def get(address: tuple[str, int], path: str, **headers: str) -> int:
    connection = http.client.HTTPConnection(*address, timeout=10)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def raw(address: tuple[str, int], data: bytes) -> bytes:
    with socket.create_connection(address, 10) as client:
        client.sendall(data)
        return client.recv(12)


def test_what_the_edge_answers_itself_is_told_from_what_the_application_answers(edge):
    address = edge.address()
    assert [get(address, path) for path in ("/200", "/500", "/503", "/404", "/200/0/close")] == [
        200,
        500,
        503,
        404,
        502,
    ]
    assert raw(address, b"NONSENSE\r\n\r\n") == b"HTTP/1.1 400"
    row = of(edge, "blue")
    assert (row.requests, row.errors, row.failed, sum(row.latency.values())) == (5, 2, 1, 4)
    (held,) = [each for each in counted(edge).addresses if each.address == "0.0.0.0:80"]
    assert held.refused == 1, "a 404 of the application is no refusal"


def test_neither_previews_nor_probes_of_ours_count_and_no_client_can_pass_for_one(edge):
    address = edge.address()
    probe = edge_counts.PROBE_HEADER.replace("-", "_")
    assert get(edge.preview(0, "green"), "/200") == 200
    assert [get(address, path, **{edge_counts.PROBE_HEADER: edge.secret}) for path in ("/200", "/404")] == [200, 404]
    assert (of(edge, "blue").requests, of(edge, "green").requests) == (0, 0)
    for value in ("", "1", "probe:", edge.secret[:-1]):
        assert get(address, "/200", **{edge_counts.PROBE_HEADER: value}) == 200
    assert get(address, "/200", **{probe: edge.secret}) == 200
    assert of(edge, "blue").requests == 5
    assert [each.refused for each in counted(edge).addresses if each.address == "0.0.0.0:80"] == [0]


def test_what_stays_open_stands_apart_and_is_counted_down_also_where_a_reload_left_it_behind(edge):
    address = edge.address()
    clients = [open_stream(address, kind) for kind in ("websocket", "websocket", "events")]
    assert get(address, "/200/0/poll") == get(address, "/200?transport=polling") == 200
    row = of(edge, "blue")
    assert (row.websockets, row.open_websockets, row.events, row.polls, row.active) == (2, 2, 1, 2, 3)
    assert sum(row.latency.values()) == 0 and row.requests == 5
    edge.reload()
    wait_for(lambda: of(edge, "blue").open_websockets == 2, "the new process tells of the old one's websockets")
    clients[0].close()
    wait_for(lambda: of(edge, "blue").open_websockets == 1, "one is closed")
    for client in clients:
        client.close()
    wait_for(lambda: edge.processes() == 2, "the replaced process ends")
    row = of(edge, "blue")
    assert (row.websockets, row.open_websockets, row.events, row.polls, row.active) == (2, 0, 1, 2, 0)


def open_stream(address: tuple[str, int], kind: str) -> socket.socket:
    client = socket.create_connection(address, 10)
    websocket = (
        f"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n"
    )
    more, status = (websocket, b"101") if kind == "websocket" else ("", b"200")
    client.sendall(f"GET /200/0/{kind} HTTP/1.1\r\nHost: a\r\n{more}\r\n".encode())
    assert client.recv(12) == b"HTTP/1.1 " + status
    return client


def test_tcp_connections_stay_on_the_old_colour_new_ones_go_to_the_new_and_both_are_counted(edge):
    address = edge.address(1)
    ask = b"GET /200 HTTP/1.1\r\nHost: a\r\n\r\n"
    with socket.create_connection(address, 10) as old:
        old.sendall(ask)
        assert old.recv(12) == b"HTTP/1.1 200"
        edge.proxy.switch("green")
        assert raw(address, ask) == b"HTTP/1.1 200"
        assert (of(edge, "blue", QUEUE).active, of(edge, "green", QUEUE).requests) == (1, 1)
        edge.reload()
        old.sendall(ask)
        assert old.recv(4096), "the old connection goes on"
        wait_for(lambda: of(edge, "blue", QUEUE).active == 1, "it is still counted")
    wait_for(lambda: of(edge, "blue", QUEUE).active == 0, "and counted down")
    for colour in RELEASES:
        row = of(edge, colour, QUEUE)
        assert (row.mode, row.requests, row.failed) == ("tcp", 1, 0)
    with socket.create_connection(edge.address(2), 10) as client:
        assert client.recv(1) == b""
    row = of(edge, "green", CLOSED)
    assert (row.requests, row.failed) == (1, 1), "nothing listens there"


def test_a_restart_begins_anew_and_says_since_when(edge):
    assert get(edge.address(), "/200") == 200
    before = counted(edge).since
    edge.reload()
    assert counted(edge).since == before and of(edge, "blue").requests == 1
    restarted = time.time()
    edge.restart()
    assert counted(edge).since >= restarted - 1
    assert of(edge, "blue").requests == 0


def test_a_time_that_equals_a_bound_is_in_the_bucket_up_to_it(edge):
    def bucket_of(milliseconds: int) -> str:
        return edge.proxy.say(f"get map /etc/edge/cfg/buckets.map {milliseconds}")

    for bound in edge_counts.BOUNDS:
        name = edge_counts.bucket(bound)
        assert f'value="{name}"' in bucket_of(round(bound * 1000)), bound
        assert f'value="{name}"' not in bucket_of(round(bound * 1000) + 1), bound
    assert "found=no" in bucket_of(30_001)
    assert {0.1, 0.5, 1.0, 2.0, 5.0} < {*edge_counts.BOUNDS}
