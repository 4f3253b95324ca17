"""The running edge, against a stand-in for HAProxy's runtime API."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from switchyard.core import edge
from switchyard.core.errors import NotChecked, SwitchyardError
from switchyard.host.adapters import proxy as module
from switchyard.host.adapters.proxy import Proxy
from switchyard.host.adapters.store import Store

MAP = f"{edge.HOME}/maps/live.map"


def statistics(*rows: tuple[str, str, int, str]) -> str:
    """The answer to ``show stat``: backend, server, open connections and status of each row."""
    lines = [
        ",".join([backend, server, "", "", str(count), *[""] * 12, status, ""])
        for backend, server, count, status in rows
    ]
    return "\n".join(["# pxname,svname", *lines]) + "\n"


def servers(*rows: tuple[str, str, str, int]) -> str:
    """The answer to ``show servers state``: backend, server, address and administrative state of each row."""
    return "\n".join(["1", "# be_id", *(f"1 {be} 1 {name} {at} 2 {state}" for be, name, at, state in rows)]) + "\n"


class HAProxy:
    """Answers what it is told to, follows its map, and remembers every command."""

    def __init__(self) -> None:
        self.colour = "blue"
        self.answers: dict[str, str] = {}
        self.commands: list[str] = []

    def answer(self, command: str) -> str:
        self.commands.append(command)
        if command.startswith(f"set map {MAP}") and command not in self.answers:
            self.colour = command.split()[-1]
            return "\n"
        if command == f"show map {MAP}" and command not in self.answers:
            return f"0x55 live {self.colour}\n"
        return self.answers.get(command, "\n")


@pytest.fixture
def haproxy(store: Store) -> Iterator[HAProxy]:
    fake = HAProxy()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(fake.answer(self.rfile.readline().decode().strip()).encode())

    run = store.edge / "run"
    run.mkdir()
    with socketserver.UnixStreamServer(f"{run}/edge.sock", Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield fake
        server.shutdown()
        thread.join()


def test_the_running_edge_decides_what_is_live_and_a_map_file_only_where_it_is_down(store, haproxy):
    proxy = Proxy(store)
    proxy.maps.mkdir()
    (proxy.maps / "live.map").write_text("live green\n")
    assert (proxy.live(), proxy.file_live(), proxy.target()) == ("blue", "green", "blue")
    (store.edge / "run" / "edge.sock").unlink()
    assert (proxy.live(), proxy.target()) == ("down", "green")
    (proxy.maps / "live.map").write_text("live purple\n")
    assert proxy.target() == "none"
    with pytest.raises(NotChecked, match=r"the edge does not answer: .* see docker logs of its container"):
        proxy.say("show info")
    assert (proxy.backends(), proxy.servers_up("x"), proxy.connections("blue"), proxy.process()) == (set(), 0, 0, "")


def test_a_switch_writes_the_map_file_and_the_running_map_and_reads_it_back(store, haproxy):
    proxy = Proxy(store)
    proxy.switch("green")
    assert proxy.file_live() == "green" == proxy.live()
    haproxy.answers[f"show map {MAP}"] = "0x55 live blue\n"
    with pytest.raises(SwitchyardError, match="the edge answers blue after it was set to green"):
        proxy.switch("green")


def test_a_refused_change_of_the_running_map_is_an_error_with_the_answer(store, haproxy):
    haproxy.answers[f"set map {MAP} live green"] = "entry not found."
    with pytest.raises(SwitchyardError, match=r"the edge refused 'set map .* live green': entry not found"):
        Proxy(store).switch("green")


def test_a_map_is_filled_row_by_row_and_one_that_no_rule_uses_is_left_alone(store, haproxy):
    path = f"{edge.HOME}/maps/drain.map"
    haproxy.answers[f"show map {path}"] = "0x1 R1 10\n0x2 R2 20\n"
    Proxy(store).fill("drain", "R2 21\nR3 30\n")
    assert haproxy.commands[1:] == [f"del map {path} R1", f"set map {path} R2 21", f"add map {path} R3 30"]
    haproxy.answers[f"show map {path}"] = "Unknown map identifier."
    haproxy.commands.clear()
    Proxy(store).fill("drain", "")
    assert haproxy.commands == [f"show map {path}"] and (Proxy(store).maps / "drain.map").read_text() == ""


def test_servers_that_are_up_and_open_connections_are_counted_by_colour(store, haproxy):
    haproxy.answers["show stat"] = statistics(
        ("web-80_blue", "s1", 2, "UP"),
        ("web-80_blue", "s2", 0, "DOWN"),
        ("web-80_blue", "BACKEND", 2, "UP"),
        ("web-80_green", "BACKEND", 3, "UP"),
    )
    proxy = Proxy(store)
    assert proxy.servers_up("web-80_blue") == 1 and proxy.servers_up("web-80_green") == 0
    assert (proxy.connections("blue"), proxy.connections("green")) == (2, 3)


def test_what_the_containers_of_a_colour_ended_midway_is_counted_for_a_difference(store, haproxy):
    def row(backend: str, server: str, eresp: str, srv_abrt: str) -> str:
        cells = [backend, server, *[""] * 12, eresp, *[""] * 35, srv_abrt, ""]
        return ",".join(cells)

    haproxy.answers["show stat"] = "\n".join(
        [
            "# pxname,svname",
            row("web-80_blue", "s1", "1", "2"),
            row("web-80_blue", "BACKEND", "1", "2"),
            row("unchecked_web-80_blue", "BACKEND", "", "4"),
            row("web-80_green", "BACKEND", "8", ""),
        ]
    )
    assert (Proxy(store).aborted("blue"), Proxy(store).aborted("green")) == (7, 8)


def test_a_server_is_taken_out_until_it_is_idle_and_a_colour_is_used_again(store, haproxy):
    haproxy.answers["show servers state"] = servers(
        ("web-80_blue", "s1", "10.0.0.2", 0), ("web-80_blue", "s2", "-", 0), ("web-80_blue", "s3", "10.0.0.3", 8)
    )
    proxy = Proxy(store)
    proxy.rest("10.0.0.2", within=5)
    proxy.close("blue")
    proxy.resume("blue")
    proxy.resume("green")
    assert [command for command in haproxy.commands if command.startswith("set")] == [
        "set server web-80_blue/s1 state drain",
        "set server web-80_blue/s2 state drain",
        "set server web-80_blue/s3 state ready",
    ]


def test_an_address_that_no_place_holds_is_forgotten_at_once_and_another_is_waited_for(store, haproxy, monkeypatch):
    monkeypatch.setattr(module, "GONE_WITHIN", 0.2)
    haproxy.answers["show servers state"] = servers(("web-80_blue", "s1", "10.0.0.2", 0))
    Proxy(store).forget("10.0.0.9")
    assert len(haproxy.commands) == 1
    Proxy(store).forget("10.0.0.2")
    assert len(haproxy.commands) > 2


def test_a_reload_is_over_once_a_new_process_with_the_backends_answers_three_times(store, haproxy, monkeypatch):
    monkeypatch.setattr(module, "UP_WITHIN", 0.3)
    haproxy.answers |= {"show info": "Name: HAProxy\nPid: 7\n", "show backend": "web-80_blue\nweb-80_green\n"}
    proxy = Proxy(store)
    assert proxy.process() == "7" and proxy.backends() == {"web-80_blue", "web-80_green"}
    proxy.wait({"web-80_blue"}, after="6")
    for backends, after in (({"web-80_blue"}, "7"), ({"api-90_blue"}, "6")):
        with pytest.raises(SwitchyardError, match="the edge did not come up within"):
            proxy.wait(backends, after=after)


def test_the_map_files_can_be_read_by_the_edge_s_user(store: Store, haproxy: HAProxy):
    Proxy(store).fill("drain", "R1 1\n")
    path: Path = store.edge / "maps" / "drain.map"
    assert path.stat().st_mode & 0o777 == 0o644


def session(number: int, backend: str, age: str) -> str:
    """Return a line of ``show sess``."""
    times = f"ts=00 epoch=0 age={age} calls=4 rate=1"
    return f"0x7f{number:04x}: proto=tcpv4 src=10.0.0.1:4 fe=0.0.0.0:80 be={backend} srv=s1 {times}"


def test_what_has_been_open_for_long_is_no_request_that_still_gets_its_answer(store, haproxy):
    lines = [session(1, "git-3000_blue", "2m3s"), session(2, "git-3000_blue", "11s"), session(3, "web-80_blue", "1s")]
    haproxy.answers["show sess"] = "\n".join([*lines, "", ""])
    assert not Proxy(store).answers({"git-3000_blue"}, within=10)
    haproxy.answers["show sess"] = "\n".join([*lines, session(4, "git-3000_blue", "9s"), ""])
    assert Proxy(store).answers({"git-3000_blue"}, within=10)


def test_requests_wait_where_the_map_file_or_the_running_edge_says_so(store, haproxy):
    proxy = Proxy(store)
    proxy.maps.mkdir()
    assert not proxy.holds()
    (proxy.maps / "hold.map").write_text("until 5\n")
    assert proxy.holds(), "a restart of the edge would hold them"
    (proxy.maps / "hold.map").write_text("")
    haproxy.answers[f"show map {edge.HOME}/maps/hold.map"] = "0x55 until 5\n"
    assert proxy.holds()


@pytest.mark.parametrize("answer,waited", [("3 1200 1\n\n", (3, 1200, 1)), ("Unknown command\n", (0, 0, 0))])
def test_an_edge_that_holds_nothing_has_no_counts(store, haproxy, answer, waited):
    haproxy.answers["hold counts"] = answer
    assert Proxy(store).waited() == waited
