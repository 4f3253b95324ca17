"""Anonymous volumes are named by the settings before anything changes, whoever declares and mounts them."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from switchyard.core.dockerfile import recipe
from switchyard.core.errors import BadInput
from switchyard.core.state_keeping import ImageFacts
from tests.harness.shop_documents import WEB, bind, service_of, split_web

ANONYMOUS = {"volumes": [{"type": "volume", "target": "/srv/uploads/"}]}
DECLARED: dict[str, tuple[dict[str, Any], ImageFacts]] = {
    "the file": (ANONYMOUS, ImageFacts()),
    "the Dockerfile": ({}, ImageFacts({"web": recipe("FROM a\nVOLUME /srv/uploads/"), "x": recipe("FROM a")})),
    "the base image": ({}, ImageFacts({"web": recipe("FROM a:1"), "x": recipe("FROM a")}, {"a:1": ("/srv/uploads",)})),
}
SETTING = "web:/srv/uploads"


@pytest.mark.parametrize("origin", DECLARED)
def test_a_volume_that_would_begin_empty_with_every_release_is_refused_with_the_setting(origin):
    web, images = DECLARED[origin]
    with pytest.raises(BadInput, match=r"service web: /srv/uploads .* app: \{data: \{\"web:/srv/uploads\": volume\}\}"):
        split_web(web, facts=images)


@pytest.mark.parametrize("origin", DECLARED)
def test_one_that_the_settings_name_is_the_same_in_every_release(origin):
    web, images = DECLARED[origin]
    parts = split_web(web, facts=images, data={SETTING: "volume"})
    mount = {"type": "volume", "source": "web-srv-uploads", "target": "/srv/uploads"}
    for colour in ("blue", "green"):
        assert service_of(parts, colour, "web")["volumes"] == [mount]
    assert parts.volumes == {"web-srv-uploads": "shop_web-srv-uploads"}
    assert any("web is routed and writes to volume web-srv-uploads" in note for note in parts.notes)


@pytest.mark.parametrize("origin", DECLARED)
def test_a_folder_of_the_host_may_keep_it_and_it_may_be_discarded(origin):
    web, images = DECLARED[origin]
    (mount,) = service_of(split_web(web, facts=images, data={SETTING: "/srv/up"}), "blue", "web")["volumes"]
    assert (mount["source"], mount["target"]) == ("/srv/up", "/srv/uploads")
    parts = split_web(web, facts=images, data={SETTING: "discard"})
    assert parts.volumes == {} and "web: /srv/uploads begins empty with every release (app.data)" in parts.notes


@pytest.mark.parametrize(
    "mount",
    [
        {"type": "volume", "source": "v", "target": "/srv/uploads"},
        {"type": "volume", "source": "v", "target": "/srv/uploads/", "read_only": True},
        {"type": "tmpfs", "target": "/srv/uploads"},
        bind("./conf", target="/srv/uploads"),
    ],
)
def test_what_is_mounted_at_the_very_path_takes_the_volume_s_place(mount):
    images = DECLARED["the Dockerfile"][1]
    split_web({"volumes": [mount]}, facts=images)
    for target in ("/srv", "/srv/uploads/new"):  # the engine still makes a volume of its own there
        with pytest.raises(BadInput, match="/srv/uploads is an anonymous volume"):
            split_web({"volumes": [{**mount, "target": target}]}, facts=images)


KINDS = {"routed": True, "plain": True, "handover": True, "shared": False, "oneshot": False, "ignored": False}


@pytest.mark.parametrize("kind,origin", [*product(KINDS, ("the file", "the image"))])
def test_each_kind_that_a_colour_keeps_up_must_name_it(kind, origin):
    other: dict[str, Any] = {"image": "x:1"}
    more: dict[str, Any] = {"kinds": {"x": kind}}
    if kind == "routed":
        other["ports"] = [{"target": 81, "published": "81"}]
    if origin == "the file":
        other |= ANONYMOUS
    else:
        more["facts"] = ImageFacts(volumes={"x:1": ("/srv/uploads",)})
    if not KINDS[kind]:
        notes = split_web({}, {"x": other}, **more).notes
        assert any("x: /srv/uploads is an anonymous volume" in note for note in notes) is (kind == "shared")
        return
    with pytest.raises(BadInput, match="service x: /srv/uploads is an anonymous volume"):
        split_web({}, {"x": other}, **more)


def test_one_that_hides_a_part_of_mounted_code_keeps_nothing_and_is_told():
    hidden = {"type": "volume", "target": "/conf/node_modules"}
    parts = split_web({"volumes": [bind("./conf"), hidden]})
    assert hidden in service_of(parts, "blue", "web")["volumes"]
    assert any("the anonymous volume /conf/node_modules hides a part" in note for note in parts.notes)


@pytest.mark.parametrize(
    "data,words",
    [
        ({"slip:/srv": "volume"}, "app.data.slip:/srv: the compose file has no service of this name"),
        ({"web:/srv": "slip"}, "app.data.web:/srv: slip: give volume, discard, or an absolute path of the host"),
        ({"web:/a/": "volume"}, "app.data.web:/a: the compose file already mounts something at /a"),
        ({"web:/a": "discard"}, "app.data.web:/a: the compose file already mounts something at /a"),
    ],
)
def test_a_slip_of_the_setting_is_named(data, words):
    with pytest.raises(BadInput, match=words):
        split_web({"volumes": [{"type": "volume", "source": "v", "target": "/a"}]}, data=data)


def test_a_document_without_such_a_setting_stays_as_it_is():
    assert service_of(split_web(WEB), "blue", "web").get("volumes") is None
