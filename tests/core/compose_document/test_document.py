"""A Compose document is read into types, and what has the wrong shape is named by its path."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from switchyard.core.compose_document.document import Document, Service, written_services
from switchyard.core.wire.message import WireError

CASES = sorted((Path(__file__).parents[2] / "golden" / "compose").iterdir())


def service(**keys) -> Service:
    return Document.decode({"services": {"web": keys}}).services["web"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("name", ["compose.json", "blue", "green", "shared", "build"])
def test_every_golden_document_is_read_and_keeps_its_json(case, name):
    if name == "compose.json":
        documents = [json.loads((case / name).read_text())]
    else:
        expected = json.loads((case / "expected.json").read_text())
        documents = [expected["colours"].get(name) or expected.get(name)]
    for raw in documents:
        document = Document.decode(raw)
        assert document.raw == raw and list(document.services) == list(raw["services"])
        assert {name: each.raw for name, each in document.services.items()} == raw["services"]


@pytest.mark.parametrize(
    "keys,path",
    [
        ({"image": 1}, "services.web.image: expected text"),
        ({"ports": [{"target": 80}, {"target": "http"}]}, "services.web.ports[1].target: expected a whole number"),
        ({"ports": "80"}, "services.web.ports: expected a list"),
        ({"volumes": ["./a:/a"]}, "services.web.volumes[0]: expected a mapping"),
        ({"deploy": {"replicas": True}}, "services.web.deploy.replicas: expected a whole number"),
        ({"build": ["."]}, "services.web.build: expected a mapping"),
        ({"privileged": "yes"}, "services.web.privileged: expected true or false"),
        ({"networks": {"default": {"aliases": 1}}}, "services.web.networks.default.aliases: expected a list"),
        ({"depends_on": {"db": "started"}}, "services.web.depends_on.db: expected a mapping"),
    ],
)
def test_what_has_the_wrong_shape_is_named_by_its_path(keys, path):
    with pytest.raises(WireError) as caught:
        service(**keys)
    assert str(caught.value) == path


@pytest.mark.parametrize("value", [None, {}, {"services": None}])
def test_an_empty_document_has_no_service(value):
    assert Document.decode(value).services == {}


def test_the_number_of_containers_is_that_of_deploy():
    document = Document.decode({"services": {"one": {}, "three": {"deploy": {"replicas": 3}}}})
    assert document.replicas(["one", "three", "gone"]) == {"one": 1, "three": 3}


def test_a_service_with_profiles_is_not_enabled():
    assert list(Document.decode({"services": {"a": {}, "b": {"profiles": ["debug"]}}}).enabled) == ["a"]


def test_what_containers_see_of_the_host_are_binds_and_the_files_of_secrets_and_configs():
    mounts = [{"type": "bind", "source": "./conf/"}, {"type": "volume", "source": "state"}]
    document = {
        "services": {"web": {"volumes": mounts}},
        "secrets": {"token": {"file": "./token"}},
        "configs": {"site": {"content": "x"}},
    }
    assert Document.decode(document).mounted == {"conf", "token"}


@pytest.mark.parametrize(
    "volume,name", [({}, "shop_data"), ({"name": "old_data"}, "shop_data"), ({"name": "kept"}, "kept")]
)
def test_the_engine_s_name_of_a_volume_is_the_file_s_own_or_follows_the_project(volume, name):
    assert Document.decode({"name": "old", "volumes": {"data": volume}}).engine_volume("data", "shop") == name


def test_a_file_with_its_variables_in_place_is_read_as_far_as_it_can_hold_a_secret():
    raw = {"ports": ["${PORT}:80"], "scale": "${N}", "command": "serve ${FLAG}", "environment": ["A=$B", "C"]}
    found = written_services({"services": {"web": {**raw, "build": {"args": {"TOKEN": "x"}}}}})["web"]
    assert (found.environment, found.command, found.build_args) == ({"A": "$B"}, "serve ${FLAG}", {"TOKEN": "x"})


def test_a_service_that_is_set_aside_is_known_and_not_enabled():
    document = Document.decode({"services": {"a": {"image": "a"}, "b": {"depends_on": {"a": {}}}}})
    aside = document.setting_aside(("a",))
    assert (list(aside.enabled), aside.services["a"].image) == (["b"], "a")
    assert document.setting_aside(()) is document
