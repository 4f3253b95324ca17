"""Clients: nobody but a trusted proxy tells the application who asks, and no text makes somebody trusted.

``tests/e2e/test_clients.py`` sends the same claims to a real edge.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from switchyard.core import edge_clients
from switchyard.core.app import App
from switchyard.core.errors import SwitchyardError
from switchyard.core.wire import form
from switchyard.settings import model
from tests.harness.attack import Attack, promises

READ = ("FORWARDED", "X_REAL_IP", "X_FORWARDED_FOR", "X_FORWARDED_PROTO", "X_FORWARDED_HOST", "X_FORWARDED_PORT")
READ += ("X_FORWARDED_SSL", "X_FORWARDED_PREFIX", "X_FORWARDED_USER")
"""Headers that applications believe, as CGI and WSGI spell them."""
TRUSTING = App("shop", trusted_proxies=("192.0.2.7/32",))


def _arrives(header: str, app: App, *, trusted: bool) -> bool:
    """Return whether the application reads a header as the client sent it, by the rules of the edge."""
    for line in edge_clients.backend(app):
        words = line.split()
        is_for_all = words[-2:] != ["unless", "trusted"]
        drops = words[1:2] == ["del-header"] and re.search(words[2], header.lower())
        if drops and (is_for_all or not trusted):
            return False
    return header.upper().replace("-", "_") in READ


def _claim(header: str) -> Attack:
    def remove_defence(monkeypatch: pytest.MonkeyPatch) -> None:
        for rule in ("CLAIMS", "ALIASED"):
            monkeypatch.setattr(edge_clients, rule, "^none$")

    canonical = header.replace("_", "-")
    return Attack(
        f"claim: {header}",
        lambda folder: _arrives(header, App("shop"), trusted=False) or _arrives(header, TRUSTING, trusted=False),
        lambda folder: _arrives(canonical, TRUSTING, trusted=True),
        remove_defence,
    )


CLAIMS = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "X-Real-IP", "Forwarded")
CLAIMS += ("X_Forwarded_For", "X-Forwarded_For", "X_Forwarded-Proto", "X_Real_IP", "X-Real_IP", "x_forwarded_host")
CLAIMS += ("X-Forwarded-Ssl", "X-Forwarded-Prefix", "X_Forwarded_User")


def _message(name: str, key: str, evil: object, harmless: object) -> Attack:
    """Return an attack by an application as a machine is sent it, which must not be read."""

    def reads(value: object) -> bool:
        try:
            App.decode({**App("shop").encode(), key: value})  # type: ignore[dict-item]
        except SwitchyardError:
            return False
        return True

    return Attack(
        f"message: {name}",
        lambda folder: reads(evil),
        lambda folder: reads(harmless),
        lambda monkeypatch: monkeypatch.setattr(form.Form, "fits", lambda self, value: True),
    )


MESSAGES: dict[str, tuple[str, object, object]] = {
    "a network with a second rule": ("trusted_proxies", ["10.0.0.0/8\n  bind :9999"], ["10.0.0.0/8"]),
    "a network with a comment": ("trusted_proxies", ["10.0.0.0/8 #"], ["fd00::/8"]),
    "an address of the PROXY protocol with a word": ("proxy_protocol", ["443 if TRUE"], ["[::1]:443"]),
    "headers larger than the buffer": ("limits", {"header_bytes": 1 << 20}, {"header_bytes": 2048}),
    "a body that has for ever": ("limits", {"body_within": 10**9}, {"body_within": 60}),
}


def _everybody(network: str, harmless: str) -> Attack:
    """Return an attack by a setting that trusts every address."""

    def trusts(text: str) -> bool:
        machine = {"name": "a", "address": "192.0.2.1"}
        try:
            model.HostSetting.model_validate({"machines": [machine], "trusted_proxies": [text]})
        except ValueError:
            return False
        return True

    def remove_defence(monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(model, "is_everybody", lambda network: False)

    return Attack(
        f"setting: trust {network}", lambda folder: trusts(network), lambda folder: trusts(harmless), remove_defence
    )


def _speaks(app: App) -> Callable[[Path], bool]:
    address = edge_clients._address("443")
    return lambda folder: any("expect-proxy" in line for line in _frontend(app, address))


def _frontend(app: App, address: edge_clients.Route) -> list[str]:
    return list(edge_clients.frontend(address, {"blue": app}, is_http=True))


ATTACKS = [
    *map(_claim, CLAIMS),
    *(_message(name, *values) for name, values in MESSAGES.items()),
    _everybody("0.0.0.0/0", "10.0.0.0/8"),
    _everybody("::/0", "fd00::/8"),
    Attack(
        "PROXY protocol: from anybody",
        _speaks(App("shop", proxy_protocol=("443",))),
        _speaks(App("shop", proxy_protocol=("443",), trusted_proxies=("192.0.2.7/32",))),
        lambda monkeypatch: monkeypatch.setattr(edge_clients, "speaks_proxy_protocol", lambda *_: True),
    ),
]

test_refused, test_twin, test_defence = promises(ATTACKS)
