"""The certificates of a host: its files, and the commands that the running edge is told."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from switchyard.core.app import Route
from switchyard.core.errors import NotChecked, Refused, SwitchyardError
from switchyard.core.wire.request import Word
from switchyard.host import certificates as module
from switchyard.host.adapters.proxy import Proxy
from switchyard.host.verbs import edge_certificates as verb
from tests.harness.attempts import say
from tests.harness.certificates import authority

LIST = "/etc/edge/cfg/tls.crt-list"
SHOP = "/etc/edge/cfg/certs/shop.example.pem"


class Edge:
    """Answers like HAProxy's runtime API, and remembers what it was told."""

    def __init__(self, *paths: str, lists: str = LIST) -> None:
        self.paths, self.lists, self.told, self.refuses = list(paths), lists, [], ""

    def say(self, command: str) -> str:
        self.told.append(command)
        words = command.split()
        if command == "show ssl crt-list":
            return f"{self.lists}\n"
        if words[:3] == ["show", "ssl", "cert"]:
            return f"Filename: {words[3]}\nnotAfter: Jan  1 00:00:00 2030 GMT\n" if words[3:] else "\n".join(self.paths)
        if self.refuses and command.startswith(self.refuses):
            return "unable to load the certificate"
        return {"new": "New empty certificate store", "set": "Transaction created"}.get(words[0], "Success!")


@pytest.fixture
def edge(monkeypatch: pytest.MonkeyPatch) -> Edge:
    found = Edge(SHOP)
    monkeypatch.setattr(Proxy, "say", lambda _, command: found.say(command))
    return found


def test_files_are_kept_for_the_edge_alone_and_what_is_the_same_is_not_written(store):
    sent = {"shop.example": "one", "*.example": "two"}
    assert module.keep(store, sent) == ["shop.example", "*.example"]
    assert module.keep(store, {**sent, "*.example": "three"}) == ["*.example"]
    folder = store.edge / "cfg" / "certs"
    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        "shop.example.pem": "one",
        "_.example.pem": "three",
    }
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert (store.edge / "cfg" / "tls.crt-list").read_text() == (
        "/etc/edge/cfg/certs/_.example.pem *.example\n/etc/edge/cfg/certs/shop.example.pem shop.example\n"
    )
    assert module.keep(store, {}) == [] and len(list(folder.iterdir())) == 2, "what another release needs stays"


def test_an_edge_that_must_not_be_root_owns_what_it_reads(store, monkeypatch):
    owners = {}
    monkeypatch.setattr(module.os, "getuid", lambda: 0)
    monkeypatch.setattr(module.os, "chown", lambda path, user, group: owners.update({path.name: (user, group)}))
    module.keep(store, {"shop.example": "one"})
    assert owners == dict.fromkeys(("certs", "shop.example.pem", "tls.crt-list"), (65534, 65534))


def test_a_route_is_verified_by_the_certificate_of_its_name(store):
    module.keep(store, {"a.example": "a", "*.example": "w"})
    shop = Route("web", 80, 443, host="a.example", tls=True)
    names = [
        module.file_for(store, Route("web", 80, 443, host=host, tls=True))
        for host in ("a.example", "b.example", "*.example")
    ]
    assert [path and path.name for path in names] == ["a.example.pem", "_.example.pem", "_.example.pem"]
    assert module.file_for(store, Route("web", 80, 443, host=shop.host)) is None
    secured = [replace(shop, host=host) for host in ("a.example", "b.example", "a.other")]
    (said,) = module.lacking(store, [*secured, Route("web", 80, 80)])
    assert "no certificate for a.other" in said
    assert module.file_for(store, Route("web", 80, 443)) is None


def test_the_running_edge_takes_a_renewed_and_a_new_one_without_a_reload(store, edge):
    module.keep(store, {"shop.example": "one\n", "*.example": "two\n"})
    assert module.serve(store, Proxy(store), ["*.example", "shop.example"])
    new = "/etc/edge/cfg/certs/_.example.pem"
    assert [command for command in edge.told if not command.startswith("show")] == [
        f"new ssl cert {new}",
        f"set ssl cert {new} <<\ntwo\n",
        f"commit ssl cert {new}",
        f"add ssl crt-list {LIST} <<\n{new} *.example\n",
        f"set ssl cert {SHOP} <<\none\n",
        f"commit ssl cert {SHOP}",
    ]


def test_one_that_the_edge_does_not_take_is_named(store, edge):
    module.keep(store, {"shop.example": "one\n"})
    for edge.refuses in ("set", "commit"):
        with pytest.raises(SwitchyardError, match="does not take the certificate of shop"):
            module.serve(store, Proxy(store), ["shop.example"])


def test_an_edge_without_tls_has_its_files_for_later(store, edge):
    edge.lists = ""
    module.keep(store, {"shop.example": "one\n"})
    assert module.serve(store, Proxy(store), ["shop.example"]) is False


def test_ends_are_those_of_what_is_served_and_unknown_while_the_edge_is_down(store, edge, monkeypatch):
    assert [(each.name, each.ends) for each in module.ends(Proxy(store))] == [("shop.example", 1893456000)]
    monkeypatch.setattr(Proxy, "say", lambda *_: (_ for _ in ()).throw(NotChecked("down")))
    assert list(module.ends(Proxy(store))) == []


def sent(holder, certificates: dict[str, str]) -> None:
    (holder.folder / "pack").write_text(json.dumps({"certificates": certificates}))
    say(holder, Word("receive"))


def test_the_verb_serves_what_changed_and_says_nothing_of_a_key(holder, edge, monkeypatch):
    monkeypatch.setattr(verb, "greet", lambda attempt: None)
    with pytest.raises(Refused, match="nothing is deployed here yet"):
        verb.edge_certificates(holder)
    monkeypatch.setattr(type(holder.store), "held_addresses", lambda _: ())
    text = "".join(authority().issue("shop.example"))
    sent(holder, {"shop.example": text})
    ending = verb.edge_certificates(holder)
    assert (ending.outcome, ending.reason) == ("applied", "shop.example")
    assert not (holder.folder / "pack").exists()
    sent(holder, {"shop.example": text})
    assert verb.edge_certificates(holder).outcome == "unchanged"
    assert text.splitlines()[-2] not in holder.wanted.told(text)
