"""A compose document becomes two colours and a shared project, or a clear error."""

from __future__ import annotations

import copy
import json

import pytest

from switchyard.core.app import App, RouteEntry
from switchyard.core.compose_document import Document, pin
from switchyard.core.errors import BadInput
from switchyard.core.split import Split, split

DOCUMENT = {
    "name": "shop",
    "services": {
        "db": {
            "image": "postgres:17",
            "restart": "always",
            "volumes": [{"type": "volume", "source": "pgdata", "target": "/var/lib/postgresql/data"}],
        },
        "migrate": {
            "build": {"context": "."},
            "command": ["sh", "-c", "echo $$HOME"],
            "depends_on": {"db": {"condition": "service_healthy"}},
        },
        "web": {
            "build": {"context": "."},
            "restart": "always",
            "container_name": "web",
            "ports": [{"target": 8000, "published": "8000", "protocol": "tcp", "mode": "ingress"}],
            "volumes": [{"type": "bind", "source": "./conf", "target": "/conf"}],
            "depends_on": {"migrate": {"condition": "service_completed_successfully"}},
        },
        "worker": {"build": {"context": "worker"}},
    },
    "volumes": {"pgdata": {}},
}
APP = App("shop", path="app", kinds={"worker": "handover"})


def parts(change=None, app: App = APP) -> Split:
    document = copy.deepcopy(DOCUMENT)
    if change:
        change(document["services"])
    return split(
        Document.decode(document), app=app, release="R1", root="/srv/shop", tracked={"app/conf/a.ini"}, folder="app"
    )


def problems(change=None, app: App = APP) -> str:
    with pytest.raises(BadInput) as caught:
        parts(change, app)
    return str(caught.value)


def test_each_service_gets_its_kind_with_a_reason():
    found = {name: kind.kind for name, kind in parts().kinds.items()}
    assert found == {"db": "shared", "migrate": "oneshot", "web": "routed", "worker": "handover"}
    assert all(kind.reason for kind in parts().kinds.values())


def test_a_route_keeps_the_address_and_port_that_the_compose_file_publishes():
    (route,) = parts().routes
    assert (route.service, route.port, route.listen, route.address) == ("web", 8000, 8000, "")
    (route,) = parts(lambda s: s["web"]["ports"][0].update(host_ip="127.0.0.1")).routes
    assert route.address == "127.0.0.1"


@pytest.mark.parametrize("colour", ["blue", "green"])
def test_a_colour_holds_nothing_that_its_twin_would_collide_with(colour):
    document = parts().colours[colour]
    assert set(document["services"]) == {"migrate", "web", "worker"}
    for service in document["services"].values():
        assert not {"ports", "container_name", "depends_on", "build"} & set(service)
        assert service["restart"] != "always"
    assert document["networks"] == {"default": {"name": f"shop-{colour}", "external": True}}
    assert document["services"]["web"]["networks"]["default"]["aliases"] == [
        "web",
        f"web.{colour}.shop.switchyard",
        f"web-{colour}",
    ]
    assert "aliases" in document["services"]["worker"]["networks"]["default"]


def test_the_two_colours_differ_in_nothing_but_their_colour():
    blue, green = (json.dumps(parts().colours[colour]) for colour in ("blue", "green"))
    assert blue.replace("blue", "green") == green


def test_shared_services_join_both_networks_and_keep_their_volume_outside_every_release():
    document = parts().shared
    assert set(document["networks"]) == {"blue", "green"} == set(document["services"]["db"]["networks"])
    assert document["volumes"] == {"pgdata": {"name": "shop_pgdata", "external": True}}
    taken = parts(app=App("shop", path="app", kinds=APP.kinds, volumes={"pgdata": "old_pgdata"}))
    assert taken.shared["volumes"]["pgdata"]["name"] == "old_pgdata"


def test_tracked_files_are_mounted_from_the_release_and_read_only():
    (mount,) = parts().colours["blue"]["services"]["web"]["volumes"]
    assert mount["source"] == "/srv/shop/releases/R1/files/app/conf" and mount["read_only"] is True


def test_state_that_git_does_not_track_must_be_named_and_lives_outside_the_releases():
    def uploads(services):
        services["web"]["volumes"] = [{"type": "bind", "source": "./uploads", "target": "/uploads"}]

    said = problems(uploads)
    assert "service web" in said and "./uploads" in said and "data:" in said
    found = parts(uploads, App("shop", path="app", kinds=APP.kinds, data={"./uploads": "data"}))
    assert found.colours["blue"]["services"]["web"]["volumes"][0]["source"] == "/srv/shop/data/uploads"
    assert found.data == ("uploads",)


def test_what_compose_escaped_stays_as_it_is():
    assert parts().colours["blue"]["services"]["migrate"]["command"][-1] == "echo $$HOME"


def test_images_are_pinned_by_id():
    pinned = pin(parts().colours["blue"], {"web": "sha256:1"})
    assert pinned["services"]["web"]["image"] == "sha256:1"
    assert pinned["services"]["worker"]["image"] == "switchyard/shop/worker:R1"


@pytest.mark.parametrize(
    "change,words",
    [
        (lambda s: s["web"].update(network_mode="host"), ["service web", "network_mode"]),
        (
            lambda s: s["worker"].update(ports=[{"target": 1, "published": "1"}]),
            ["service worker", "ports", "handover"],
        ),
        (
            lambda s: s["web"]["ports"].append({"target": 53, "published": "53", "protocol": "udp"}),
            ["service web", "53"],
        ),
        (lambda s: s["web"]["ports"].append({"target": 81, "published": "8000"}), ["listen 8000"]),
        (lambda s: s["web"]["volumes"][0].update(source="../../secret"), ["outside the repository"]),
        (lambda s: s["web"].update(links=["db"]), ["service web", "links"]),
    ],
)
def test_what_cannot_be_split_safely_is_an_error_that_names_it(change, words):
    said = problems(change)
    assert all(word in said for word in words), said


def test_a_server_of_state_that_is_built_is_shared_and_built_once():
    split = parts(lambda s: s["db"].update(build={"context": "./db"}) or s["db"].pop("image"))
    assert split.kinds["db"].kind == "shared" and "/var/lib/postgresql/data" in split.kinds["db"].reason
    assert split.shared["services"]["db"]["image"] == "switchyard/shop/db:shared"
    assert split.build["services"]["db"]["image"] == "switchyard/shop/db:R1"
    assert "db" not in split.pulls and "x-build" in split.shared["services"]["db"]


def test_a_worker_is_never_plain_or_handover_by_inference():
    said = problems(app=App("shop", path="app"))
    assert "kinds:\n      worker: handover" in said


def test_all_problems_are_reported_together():
    def two(services):
        services["web"]["links"] = ["db"]
        services["worker"]["ports"] = [{"target": 1, "published": "1"}]

    said = problems(two)
    assert "links" in said and "service worker" in said


def test_settings_survive_the_way_to_the_host():
    app = App("shop", kinds={"a": "plain"}, smoke=("x",), writable=("./c",), routes=(RouteEntry("a", 1),))
    assert App.decode(json.loads(json.dumps(app.encode()))) == app
