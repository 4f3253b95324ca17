"""Generated configuration: no text adds a line, a rule or a command to what Switchyard generates."""

from __future__ import annotations

import contextlib
import itertools
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from switchyard.core import edge, edge_tls
from switchyard.core.app import App, Check, Route
from switchyard.core.edge import ColourRoutes, Place
from switchyard.core.errors import SwitchyardError
from switchyard.core.held_routes import held_for
from switchyard.core.next_step import Want
from switchyard.core.site import Site, Slot
from switchyard.core.wire import form
from switchyard.host import drive, edge_documents, observe, program, takeover
from switchyard.host.adapters import proxy
from switchyard.host.adapters.files import write, write_json
from switchyard.host.adapters.layout import Layout
from switchyard.host.adapters.lease import LeaseKeeper
from switchyard.host.adapters.store import Store
from switchyard.host.attempt import Attempt
from switchyard.host.command_runner import CommandRunner
from switchyard.host.ending import Ending
from switchyard.host.steps import edge as edge_steps
from switchyard.settings import fields, load
from tests.harness.attack import Attack, promises
from tests.harness.attempts import begin_attempt
from tests.harness.release_record import RECORD

PLAIN = Route("web", 8000, 8080, affinity=True)
LISTENER = "\nfrontend evil\n  bind :9999\n  default_backend web-8000_blue"


def _configuration(route: Route = PLAIN, app: App | None = None) -> str:
    colours = dict.fromkeys(("blue", "green"), ColourRoutes(app or App("shop"), ((route,),)))
    return edge.configuration(held_for((route,), 1), colours, Place(asks_nobody=True))


def _checked(path: str) -> App:
    return App("shop", checks={"web": Check(8000, path)})


def _trust_every_word(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [module for name, module in sys.modules.items() if name.startswith("switchyard.core.edge")]
    for module, name in itertools.product(parts, ("word", "request_path")):
        monkeypatch.setattr(module, name, lambda text: text, raising=False)


SENDS = re.compile(
    r"  http-check send meth GET uri /[A-Za-z0-9_.:/?%=&+,;@!*~()$-]* ver HTTP/1\.1 "
    "hdr Host localhost hdr Connection close"
)
"""The line of a check, whatever its path."""


def _check_path(name: str, path: str) -> Attack:
    """Return an attack by the path of a service's own check, as an older control node could have sent it."""

    def gets_through(folder: Path) -> bool:
        plain, lines = (_configuration(app=_checked(each)).splitlines() for each in ("/health", path))
        return len(plain) != len(lines) or any(
            line != before and not SENDS.fullmatch(line) for before, line in zip(plain, lines, strict=True)
        )

    return Attack(
        f"check path: {name}",
        gets_through,
        lambda folder: "uri /health?full=1 ver" in _configuration(app=_checked("/health?full=1")),
        _trust_every_word,
    )


CHECK_PATHS = {
    "a line break adds a listener": f"/{LISTENER}",
    "a carriage return ends the line": "/\rbind :9999",
    "a space adds a word": "/ ver HTTP/1.0",
    "a tab adds a word": "/\thdr X-Admin true",
    "a comment drops the rest": "/#",
    "a double quote swallows the rest": '/"',
    "a single quote swallows the rest": "/'",
    "a backslash escapes the next word": "/\\",
    "a variable of HAProxy's environment": '/"${HAPROXY_LOCALPEER}"',
    "a form feed and a line separator": "/\x0c\u2028bind :9999",
}


def _route(name: str, change: dict[str, object], *, harmless: Callable[[], Route] = lambda: PLAIN) -> Attack:
    """Return an attack by a route as a machine is sent it, which must not be read."""

    def read(folder: Path) -> Route:
        return Route.decode({**PLAIN.encode(), **change})

    def gets_through(folder: Path) -> bool:
        try:
            read(folder)
        except SwitchyardError:
            return False
        return True

    return Attack(
        f"route: {name}",
        gets_through,
        lambda folder: Route.decode(harmless().encode()) == harmless(),
        lambda monkeypatch: monkeypatch.setattr(form.Form, "fits", lambda self, value: True),
    )


ROUTES = {
    "a service with a line break": {"service": f"web{LISTENER}"},
    "a service with a space": {"service": "web check disabled"},
    "a service with a comment": {"service": "web#"},
    "an address with a line break": {"address": f"::1{LISTENER}"},
    "an address with the name of an interface": {"address": "fe80::1%\n  bind :9999"},
    "an address with a colon and a second port": {"address": "0.0.0.0:1 accept-proxy"},
    "a host with a line break": {"host": f"a.example{LISTENER}"},
    "a host with a space": {"host": "a.example } { always_true"},
    "a host with a quote": {"host": 'a".example'},
    "a host with a variable": {"host": "${HOSTNAME}"},
    "a path with a line break": {"path": f"/api{LISTENER}"},
    "a path with a space": {"path": "/api } { always_true"},
    "a path with a quote": {"path": "/api'"},
    "a path with a comment": {"path": "/api#"},
    "a port below all": {"port": -1},
    "a public port above all": {"listen": 1 << 20},
}


def _word(name: str, write: Callable[[str], str], text: str) -> Attack:
    """Return an attack by a text in a map or in the name of a backend."""

    def gets_through(folder: Path) -> bool:
        try:
            return len(write(text).split()) != len(write("R1").split())
        except SwitchyardError:
            return False

    return Attack(f"word: {name}", gets_through, lambda folder: "R1" in write("R1"), _trust_every_word)


def _command(name: str, key: str, value: str) -> Attack:
    """Return an attack by a command of HAProxy's runtime API."""

    def said(folder: Path, key: str, value: str) -> list[str]:
        (folder / "edge" / "maps").mkdir(parents=True, exist_ok=True)
        made, commands = proxy.Proxy(Layout(folder)), []

        def say(command: str) -> str:
            commands.append(command)
            return ""

        made.say = say  # type: ignore[method-assign]
        try:
            made._fill("releases", f"{key} {value}")
        except (SwitchyardError, ValueError):
            return []
        return [command for command in commands if command.startswith("add map")]

    return Attack(
        f"command: {name}",
        lambda folder: any(re.search(r"[;\n<]|\\", command) for command in said(folder, key, value)),
        lambda folder: said(folder, "blue", "R1") == ["add map /etc/edge/maps/releases.map blue R1"],
        lambda monkeypatch: monkeypatch.setattr(proxy, "word", lambda text: text),
    )


def _setting(name: str, evil: str, harmless: str) -> Attack:
    """Return an attack by the settings, which are refused when they are read."""

    def loads(folder: Path, text: str) -> bool:
        (folder / "invoke.yaml").write_text(text)
        try:
            load.load(folder)
        except SwitchyardError:
            return False
        return True

    def remove_defence(monkeypatch: pytest.MonkeyPatch) -> None:
        for pattern in ("SERVICE", "VOLUME", "REQUEST", "PLACE", "ROUTE_NAME", "ROUTE_PATH"):
            monkeypatch.setattr(fields, pattern, "(?s).*")

    return Attack(
        f"setting: {name}", lambda folder: loads(folder, evil), lambda folder: loads(folder, harmless), remove_defence
    )


HOST = "hosts: {prod: {machines: [{name: a, address: 192.0.2.1}], "
SETTINGS = {
    "the path of a check with a line break": (
        'app: {checks: {web: {port: 80, path: "/x\\n  bind :9999"}}}',
        "app: {checks: {web: {port: 80, path: '/x?y=1&z=%20'}}}",
    ),
    "the path of a check without its slash": (
        "app: {checks: {web: {port: 80, path: x}}}",
        "app: {checks: {web: {port: 80, path: /x}}}",
    ),
    "the path of a check with a space": (
        "app: {checks: {web: {port: 80, path: '/x ver HTTP/1.0'}}}",
        "app: {checks: {web: {port: 80, path: /x%20y}}}",
    ),
    "a check of a service that is none": (
        'app: {checks: {"web\\n": {port: 80}}}',
        "app: {checks: {web.a-1_b: {port: 80}}}",
    ),
    "a route to a service that is none": (
        'app: {routes: [{service: "web#", port: 80}]}',
        "app: {routes: [{service: web, port: 80}]}",
    ),
    "a host of a route with a line break": (
        'app: {routes: [{service: web, port: 80, host: "a.example\\n  bind :9999"}]}',
        "app: {routes: [{service: web, port: 80, host: '*.a-1.example'}]}",
    ),
    "a host of a route with a quote": (
        "app: {routes: [{service: web, port: 80, host: 'a\".example'}]}",
        "app: {routes: [{service: web, port: 80, host: xn--bcher-kva.example}]}",
    ),
    "a path of a route with a space": (
        "app: {routes: [{service: web, port: 80, path: '/api } { always_true'}]}",
        "app: {routes: [{service: web, port: 80, path: /api/v1.2/}]}",
    ),
    "a volume by a variable": (
        "app: {volumes: {db: {external: '${OTHER}'}}}",
        "app: {volumes: {db: {external: old_db-1}}}",
    ),
    "a volume by a path": ("app: {volumes: {db: {external: /etc}}}", "app: {volumes: {db: {external: etc}}}"),
    "a place of state by a variable": ("app: {data: {./x: '/srv/${HOME}'}}", "app: {data: {./x: /srv/home}}"),
    "a place of state with a line break": ('app: {data: {./x: "/srv\\n/x"}}', "app: {data: {./x: /srv/ä x}}"),
    "a root by a variable": (HOST + "root: '~/${X:-..}'}}", HOST + "root: ~/apps/x}}"),
    "a certificate of a name that is none": (
        HOST + 'certificates: {"a.example\\n/x b": {certificate: a, key: b}}}}',
        HOST + "certificates: {'*.a.example': {certificate: a, key: b}}}}",
    ),
    "a kind of a service that is none": ('app: {kinds: {"w b": routed}}', "app: {kinds: {w-b: routed}}"),
}


class Wreck:
    """A host whose edge still has what an attempt wrote that failed or died: a listener, and routes of its release."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder / "root")
        self.store.prepare()
        live, failed = Route("web", 8000, 8080), Route("evil", 9999, 8080)
        self.store.releases.write(replace(RECORD, routes=(live,), state="good"))
        self.store.releases.write(replace(RECORD, id="R2", number=2, routes=(failed,)))
        write_json(self.store.edge / "routes.json", [address.encode() for address in held_for([live], 1)])
        write(self.store.edge / "cfg" / "haproxy.cfg", f"listen evil\n  bind :9999\n{_configuration(failed)}")
        write(self.store.edge / "maps" / "live.map", "live blue\n")

    def attempt(self, name: str = "one", verb: str = "deploy") -> Attempt:
        return begin_attempt(self.store, name, verb, app="shop", force=True)

    def holding(self) -> Attempt:
        """Return an attempt of R2 that holds the lease."""
        attempt = self.attempt()
        attempt.wanted.id = "R2"
        attempt.lease.number = self.store.lease.take("one", "deploy", "ann@laptop").number
        return attempt

    def is_left(self) -> bool:
        """Return whether the edge's configuration still has the listener or a route of the release that failed."""
        return bool(re.search("evil", (self.store.edge / "cfg" / "haproxy.cfg").read_text()))

    def leads(self) -> bool:
        """Return whether the edge's configuration leads to what is live."""
        return "backend web-8000_blue" in (self.store.edge / "cfg" / "haproxy.cfg").read_text()


@contextlib.contextmanager
def _containers() -> Iterator[None]:
    """Let blue hold the live release, and green the one that failed. The edge does not run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(edge_steps, "releases_in_colours", lambda app: {"blue": "R1", "green": "R2"})
        patch.setattr(edge_steps, "edge_containers", lambda app: [])
        patch.setattr(program, "act", lambda *_: None)
        patch.setattr(observe, "site", lambda *_: Site(Slot("R1", "healthy"), Slot("R2"), proxy="blue"))
        yield


def _fail(wreck: Wreck) -> None:
    program._clean_up(wreck.holding(), Ending("failed", 1, "why"))


def _cancel(wreck: Wreck) -> None:
    program._clean_up(wreck.holding(), Ending("cancelled", 130, "Ctrl-C"))


def _take_back(wreck: Wreck) -> None:
    drive._record(wreck.holding(), Want("deploy", "R2"), "taken back")


def _die(verb: str) -> Callable[[Wreck], None]:
    def die_and_go_on(wreck: Wreck) -> None:
        wreck.holding()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(LeaseKeeper, "lives", lambda self, lease: False)
            takeover.take(wreck.attempt("two", verb))

    return die_and_go_on


def _die_in_an_apply(wreck: Wreck) -> None:
    edge_documents.draft(wreck.store.edge, held_for([Route("evil", 1, 9999)], 2), {}, {})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CommandRunner, "run", lambda *_, **__: "")
        _die("rollback")(wreck)


def _cleanup(name: str, act: Callable[[Wreck], None]) -> Attack:
    """Return an attack by what an attempt leaves behind."""

    def after(folder: Path) -> Wreck:
        wreck = Wreck(folder)
        with _containers():
            act(wreck)
        return wreck

    return Attack(
        f"left behind: {name}",
        lambda folder: after(folder).is_left(),
        lambda folder: after(folder).leads(),
        lambda monkeypatch: monkeypatch.setattr(edge_steps, "settle", lambda attempt: None),
    )


def _superseded(folder: Path) -> bool:
    """Return whether an attempt that lost its lease still writes the configuration."""
    wreck = Wreck(folder)
    attempt, before = wreck.holding(), (wreck.store.edge / "cfg" / "haproxy.cfg").read_text()
    wreck.store.lease.free(attempt.lease.number)
    wreck.store.lease.take("two", "deploy", "bob@desk")
    with _containers(), contextlib.suppress(SwitchyardError):
        edge_steps.settle(attempt)
    return (wreck.store.edge / "cfg" / "haproxy.cfg").read_text() != before


def _settles(folder: Path) -> bool:
    wreck = Wreck(folder)
    with _containers():
        edge_steps.settle(wreck.holding())
    return not wreck.is_left()


ATTACKS = [
    _cleanup("by a deploy that failed", _fail),
    _cleanup("by a deploy that was cancelled", _cancel),
    _cleanup("by a deploy that was taken back", _take_back),
    *(_cleanup(f"by a deploy that died, before {verb}", _die(verb)) for verb in ("rollback", "restart", "deploy")),
    _cleanup("by an apply that died", _die_in_an_apply),
    Attack(
        "left behind: by an attempt that lost its lease",
        _superseded,
        _settles,
        lambda monkeypatch: monkeypatch.setattr(LeaseKeeper, "guard", lambda self, number: None),
    ),
    *(_check_path(name, path) for name, path in CHECK_PATHS.items()),
    *(_route(name, change) for name, change in ROUTES.items()),
    _word(
        "a release with a line break names another one live", lambda text: edge.releases_map({"blue": text}), "R1\ng"
    ),
    _word("a release that drains for ever", lambda text: edge.drain_map({text: 1}), "R1 9999999999\nR2"),
    _word("a certificate of two rows", lambda text: edge_tls.row(text, "/etc/edge"), "a\n/etc/passwd b"),
    _word("a certificate in another folder", lambda text: edge_tls.file_of(text).replace("/", " "), "../a"),
    _word("a colour of two words", edge.live_map, "blue\nlive green"),
    _word("a backend of two lines", lambda text: edge.backend_name(Route(text, 1, 1), "blue"), "a\nbackend b"),
    _word("an address of two lines", lambda text: edge.address_name(Route("a", 1, 1, address=text)), "a\nbind :1"),
    _command("a value that ends it", "blue", "R1;shutdown"),
    _command("a key that ends it", "blue;del", "R1"),
    _command("a value with a payload", "blue", "<<\\x"),
    *(_setting(name, *texts) for name, texts in SETTINGS.items()),
]

test_refused, test_twin, test_defence = promises(ATTACKS)
