"""The mode that a port suggests, and the setting that says another."""

from __future__ import annotations

import pytest

from switchyard.core.app import Route
from switchyard.core.route_modes import PROTOCOLS, as_setting, suggested


@pytest.mark.parametrize("port", PROTOCOLS)
def test_ports_of_known_protocols_are_passed_on_unread_and_say_why(port: int):
    assert suggested(port).mode == "tcp" and PROTOCOLS[port] in suggested(port).why


@pytest.mark.parametrize("port", [80, 81, 3000, 5000, 8000, 8080, 8501, 8888, 9000, 9090])
def test_other_ports_speak_http(port: int):
    assert suggested(port) == ("http", "the default")


@pytest.mark.parametrize(
    ("protocol", "mode"),
    [("http", "http"), ("HTTP", "http"), ("ws", "http"), ("https", "tcp"), ("http2", "tcp"), ("grpc", "tcp")],
)
def test_what_the_compose_file_says_wins_over_the_number(protocol: str, mode: str):
    for port in (443, 8000):
        assert suggested(port, protocol) == (mode, f"its app_protocol is {protocol}")


def test_a_setting_names_every_route_so_that_none_is_lost():
    routes = [Route("web", 8443, 443, ""), Route("api", 80, 81, "127.0.0.1", affinity=True), Route("v", 1, 2, "::1")]
    assert as_setting(routes, {"web-8443": "tcp"}).splitlines() == [
        "  app:",
        "    routes:",
        "      - {service: web, port: 8443, listen: 443, mode: tcp}",
        '      - {service: api, port: 80, listen: "127.0.0.1:81", mode: http, affinity: true}',
        '      - {service: v, port: 1, listen: "[::1]:2", mode: http}',
    ]
