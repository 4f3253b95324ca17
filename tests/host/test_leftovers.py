"""A first deploy that fails says what it left up, and how to go on or remove it."""

from __future__ import annotations

from switchyard.core.app import Route
from switchyard.host import leftovers
from switchyard.host.adapters.files import write_json
from tests.harness.fake_engine import listed


def test_what_stays_up_is_named_with_the_way_on_and_the_way_out(store, fake_engine):
    assert leftovers.describe(store, "shop") == ""
    write_json(store.edge / "routes.json", [Route("web", 80, 8080).encode(), Route("api", 90, 443).encode()])
    fake_engine.know(
        "/containers/json",
        [
            listed("db", service="db", kind="shared"),
            listed("edge", service="edge", kind="edge"),
            listed("web", service="web", kind="routed", colour="blue", release="R1", state="exited"),
            listed("mailer", service="mailer", kind="plain", colour="blue", release="R1"),
        ],
    )
    text = leftovers.describe(store, "shop")
    for words in (
        "shared services (db)",
        "the edge, which holds 0.0.0.0:8080, 0.0.0.0:443 and answers 503",
        "mailer of blue",
        "run inv deploy again",
        "docker rm --force $(docker ps --all --quiet --filter label=switchyard.app=shop)",
    ):
        assert words in text
    assert "web" not in text


def test_nothing_is_said_where_all_of_it_has_stopped(store, fake_engine):
    fake_engine.know("/containers/json", [listed("db", service="db", kind="shared", state="exited")])
    assert leftovers.describe(store, "shop") == ""
