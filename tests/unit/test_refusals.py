"""What must not begin is refused before anything is sent, with who is in the way and the setting that helps."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from switchyard.control.release import Ready, refuse
from switchyard.core.app import App, Route
from switchyard.core.compose_document import Document
from switchyard.core.errors import Refused
from switchyard.core.split import Split
from switchyard.settings import load as settings
from switchyard.verbs.deploy import Options, confirm

FREE: dict[str, Any] = {
    "disks": {"/srv/shop": 50 << 30, "/var/lib/docker": 50 << 30},
    "memory_available": 8 << 30,
    "memory_live": 0,
    "edge": None,
    "listening": {},
    "live": None,
    "others": [],
    "volumes": [],
}
LIVE = {"id": "R1", "env_keys": ["KEPT", "LOST"]}


def ready(**changes: Any) -> Ready:
    """A release of a shop with a database, about to be sent."""
    routes = (Route("web", 8000, 8080),)
    volumes = {"pgdata": "shop_pgdata"}
    parts = Split({}, routes, {}, {}, {}, {}, (), (), ("web",), volumes, (), (), ())
    app = App("shop", volumes=changes.pop("volumes", {}))
    return Ready(app, Document.decode(changes.pop("document", {"name": "oldshop"})), "", {"KEPT": "1"}, (), parts, "R2")


def refused(folder: Path, facts: dict[str, Any], **changes: Any) -> str:
    (folder / "invoke.yaml").write_text("hosts:\n  prod:\n    machines: [{name: prod1, address: 192.0.2.1}]\n")
    with pytest.raises(Refused) as caught:
        refuse("prod1", {**FREE, **facts}, ready(**changes), settings.host(folder, "prod"))
    return str(caught.value)


def test_a_host_with_room_is_not_refused(tmp_path):
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        refused(tmp_path, {})


@pytest.mark.parametrize("place", FREE["disks"])
def test_too_little_disk_of_the_root_or_the_engine_is_told_in_numbers_with_what_to_do(tmp_path, place):
    said = refused(tmp_path, {"disks": {**FREE["disks"], place: 700 << 20}})
    assert said.startswith(f"prod1: 700 MiB of the disk of {place} are free, 1024 are needed")
    assert "docker builder prune" in said


def test_too_little_memory_for_a_second_colour_is_told_in_numbers(tmp_path):
    said = refused(tmp_path, {"memory_live": 3 << 30, "memory_available": 2 << 30})
    assert said == "prod1: a second colour needs about 3072 MiB of memory, 2048 are available"


def test_an_address_that_is_taken_names_its_holder_and_offers_a_loopback_port_with_proxy_lines(tmp_path):
    said = refused(tmp_path, {"listening": {"8080": "container old-web-1"}})
    assert "port 8080, held by container old-web-1" in said and 'listen: "127.0.0.1:18080"' in said
    assert "nginx: proxy_pass http://127.0.0.1:18080" in said and "Caddy: reverse_proxy 127.0.0.1:18080" in said


def test_an_address_that_the_edge_holds_itself_is_not_taken(tmp_path):
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        refused(tmp_path, {"listening": {"8080": "shop's edge"}, "edge": [{"service": "web"}]})


@pytest.mark.parametrize("project", ["shop", "oldshop"])
def test_a_plain_project_of_the_application_is_listed_with_the_settings_that_take_its_volumes_over(tmp_path, project):
    other = {"project": project, "service": "db", "state": "exited", "folder": "/srv/shop"}
    said = refused(tmp_path, {"others": [other]})
    assert f"the plain project {project} in /srv/shop: db (exited)" in said and "without -v" in said
    assert said.endswith(f"volumes:\n    pgdata: {{external: {project}_pgdata}}")


def test_another_application_s_project_is_in_nobody_s_way(tmp_path):
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        refused(tmp_path, {"others": [{"project": "blog", "service": "db", "state": "running", "folder": "/srv"}]})


def test_a_full_volume_under_the_name_that_would_be_given_is_never_taken_for_an_empty_one(tmp_path):
    said = refused(tmp_path, {"volumes": ["shop_pgdata"]})
    assert "volumes of these names exist already: shop_pgdata" in said
    assert said.endswith("volumes:\n    pgdata: {external: shop_pgdata}")
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        refused(tmp_path, {"volumes": ["shop_pgdata"]}, volumes={"pgdata": "shop_pgdata"})


@pytest.mark.parametrize(
    ("volumes", "full"), [({}, "oldshop_pgdata"), ({"pgdata": {"name": "prod_pgdata"}}, "prod_pgdata")]
)
def test_a_full_volume_of_a_plain_project_that_is_down_is_found_under_the_name_that_compose_gave_it(
    tmp_path, volumes, full
):
    said = refused(tmp_path, {"volumes": [full, "other_pgdata"]}, document={"name": "oldshop", "volumes": volumes})
    assert f"volumes of these names exist already: {full}. If" in said
    assert said.endswith(f"  volumes:\n    pgdata: {{external: {full}}}")


def test_an_env_key_that_the_live_release_has_and_the_new_one_lacks_is_named(tmp_path):
    said = refused(tmp_path, {"live": LIVE, "edge": []})
    assert said == "prod1: the live release has env keys that this one lacks: LOST. Add them to hosts.prod.env"


@pytest.mark.parametrize("flag", ["allow_downgrade", "shared_unchanged", "force"])
def test_an_override_is_refused_where_nobody_can_be_asked_and_goes_with_yes(monkeypatch, flag):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(Refused, match=f"--{flag.replace('_', '-')} overrides a refusal: add --yes"):
        confirm(Options(**{flag: True}))
    confirm(Options(**{flag: True}, yes=True))
    confirm(Options())
