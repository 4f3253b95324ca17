"""Why a deploy must not begin: the refusal names the obstacle and the setting that helps, before anything is sent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from switchyard.control.certificates import Certificate
from switchyard.control.refusals import refuse_busy, refuse_unfit, unfit
from switchyard.control.release import Release
from switchyard.core.app import Route
from switchyard.core.errors import LEASE_HELD, NotChecked, Refused
from switchyard.core.held_routes import held_for
from switchyard.core.wire.answers import HeldLease
from switchyard.core.wire.facts import PlainContainer
from switchyard.core.wire.request import Holder, Operator
from tests.harness.machine_answers import FACTS, checks_answer, live_release
from tests.harness.settings import HOSTS, prod
from tests.harness.unsent_release import EDGE, release

FREE = replace(
    FACTS,
    disks={"/srv/shop": 50 << 30, "/var/lib/docker": 50 << 30},
    memory_available=8 << 30,
)
HELD = held_for(EDGE, 1)
LIVE = replace(live_release(), env_keys=("KEPT", "LOST"))


def refused(folder: Path, *, of: Release | None = None, **facts: Any) -> str:
    with pytest.raises(Refused) as caught:
        refuse_unfit({"prod1": replace(FREE, **facts)}, of or release(), prod(folder, HOSTS))
    return str(caught.value)


def test_a_host_with_room_is_not_refused(tmp_path):
    refuse_unfit({"prod1": FREE}, release(), prod(tmp_path, HOSTS))


@pytest.mark.parametrize("place", FREE.disks)
def test_too_little_disk_of_the_root_or_the_engine_is_told_in_numbers_with_what_to_do(tmp_path, place):
    message = refused(tmp_path, disks={**FREE.disks, place: 700 << 20})
    assert message.startswith(f"prod1: the disk of {place} has 700 MiB free, and a deploy needs 1024")
    assert "docker builder prune" in message


def test_too_little_memory_for_a_second_colour_is_told_in_numbers(tmp_path):
    message = refused(tmp_path, memory_live=3 << 30, memory_available=2 << 30)
    assert message == "prod1: a second colour needs about 3072 MiB of memory, and 2048 are available"


def test_an_address_that_is_taken_names_its_holder_and_offers_a_loopback_port_with_proxy_lines(tmp_path):
    message = refused(tmp_path, listening={"8080": "container old-web-1"})
    assert "port 8080, held by container old-web-1" in message and 'listen: "127.0.0.1:18080"' in message
    assert "nginx: proxy_pass http://127.0.0.1:18080" in message and "Caddy: reverse_proxy 127.0.0.1:18080" in message


def test_an_address_that_the_edge_holds_itself_is_not_taken(tmp_path):
    facts = replace(FREE, listening={"8080": "shop's edge"}, edge=EDGE)
    refuse_unfit({"prod1": facts}, release(), prod(tmp_path, HOSTS))


@pytest.mark.parametrize("project", ["shop", "oldshop"])
def test_a_plain_project_of_the_application_is_listed_with_the_settings_that_take_its_volumes_over(tmp_path, project):
    message = refused(tmp_path, others=(PlainContainer(project, "db", "exited", "/srv/shop"),))
    assert f"the plain project {project} in /srv/shop: db (exited)" in message and "without -v" in message
    assert message.endswith(f"volumes:\n    pgdata: {{external: {project}_pgdata}}")


def test_another_application_s_project_is_in_nobody_s_way(tmp_path):
    facts = replace(FREE, others=(PlainContainer("blog", "db", "running", "/srv"),))
    refuse_unfit({"prod1": facts}, release(), prod(tmp_path, HOSTS))


def test_a_full_volume_under_the_name_that_would_be_given_is_never_taken_for_an_empty_one(tmp_path):
    message = refused(tmp_path, volumes=("shop_pgdata",))
    assert "volumes of these names exist already: shop_pgdata" in message
    assert message.endswith("volumes:\n    pgdata: {external: shop_pgdata}")
    taken_over = release({"pgdata": "shop_pgdata"})
    refuse_unfit({"prod1": replace(FREE, volumes=("shop_pgdata",))}, taken_over, prod(tmp_path, HOSTS))


@pytest.mark.parametrize(
    ("volumes", "full"), [({}, "oldshop_pgdata"), ({"pgdata": {"name": "prod_pgdata"}}, "prod_pgdata")]
)
def test_a_full_volume_of_a_plain_project_that_is_down_is_found_under_the_name_that_compose_gave_it(
    tmp_path, volumes, full
):
    plain = release(document={"name": "oldshop", "volumes": volumes})
    message = refused(tmp_path, of=plain, volumes=(full, "other_pgdata"))
    assert f"volumes of these names exist already: {full}. If" in message
    assert message.endswith(f"  volumes:\n    pgdata: {{external: {full}}}")


@pytest.mark.parametrize("edge", [None, HELD])
@pytest.mark.parametrize(
    ("settings", "volumes"),
    [({"pgdata": "shop_pgdata"}, {}), ({}, {"pgdata": {"external": True, "name": "shop_pgdata"}})],
)
def test_an_external_volume_that_the_host_lacks_is_refused(tmp_path, settings, volumes, edge):
    new = release(settings, document={"name": "oldshop", "volumes": volumes})
    message = refused(tmp_path, of=new, edge=edge)
    assert "this host has no volume shop_pgdata (external, for pgdata of compose.yaml)" in message
    assert message.endswith("docker volume create --label switchyard.app=shop shop_pgdata")


def test_an_address_that_the_edge_lacks_is_named_before_anything_is_sent_with_the_verb_that_gives_it(tmp_path):
    message = refused(tmp_path, edge=held_for([Route("web", 8000, 9090)], 1))
    assert message.startswith("prod1: the edge does not hold 0.0.0.0:8080 (for web:8000): ")
    assert "inv edge.apply --host prod" in message
    refuse_unfit({"prod1": replace(FREE, edge=held_for([Route("app", 1, 8080)], 1))}, release(), prod(tmp_path, HOSTS))


def routed(*routes: Route) -> Release:
    """Return a release with these routes."""
    made = release()
    return replace(made, split=replace(made.split, routes=routes))


@pytest.mark.parametrize(
    ("live", "new", "words"),
    [
        (Route("web", 80, 8080, mode="tcp"), Route("web", 80, 8080, host="a.example"), "names or paths in one release"),
        (Route("web", 80, 8080, host="a.example"), Route("web", 80, 8080, mode="tcp"), "names or paths in one release"),
        (Route("web", 80, 8080), Route("web", 80, 8080, host="a.example", tls=True), "TLS in one release"),
    ],
)
def test_an_address_that_cannot_be_held_for_both_releases_is_named(tmp_path, live, new, words):
    facts = replace(FREE, edge=HELD, routes=(live,))
    found = unfit("prod1", facts, routed(new), prod(tmp_path, HOSTS))
    assert any("the edge cannot hold 0.0.0.0:8080" in each and words in each for each in found), found
    assert not unfit("prod1", facts, routed(live), prod(tmp_path, HOSTS))


def test_a_name_with_tls_and_without_a_certificate_is_named_with_the_setting(tmp_path):
    secured = routed(*(Route("web", 80, 8080, host=name, tls=True) for name in ("a.example", "b.example")))
    found = unfit("prod1", replace(FREE, edge=HELD), secured, prod(tmp_path, HOSTS))
    assert [each.partition(" the host")[0] for each in found] == [
        "prod1: app.routes: tls of a.example:",
        "prod1: app.routes: tls of b.example:",
    ]
    assert 'hosts.prod.certificates: {"a.example": {certificate: FILE, key: FILE}}' in found[0]
    certified = replace(secured.contents, certificates={"*.example": Certificate("", "")})
    assert not unfit("prod1", replace(FREE, edge=HELD), replace(secured, contents=certified), prod(tmp_path, HOSTS))


def test_an_apply_that_was_cut_short_is_named_before_anything_is_sent(tmp_path):
    assert refused(tmp_path, unfinished=("inv edge.apply was cut short",)) == "prod1: inv edge.apply was cut short"


def test_an_env_key_that_the_live_release_has_and_the_new_one_lacks_is_named(tmp_path):
    message = refused(tmp_path, live=LIVE, edge=HELD)
    assert message == (
        "prod1: the live release has env keys that this release lacks: LOST. Add them to hosts.prod.env, or drop them "
        "for good: --drop-env LOST"
    )


def test_a_machine_whose_lease_is_held_or_that_lacks_a_tool_is_refused_at_once():
    tools = {"docker": "27", "compose": "2.30", "git": "2.47"}
    refuse_busy({"prod1": replace(checks_answer(), tools=tools)})
    held = HeldLease("ann@laptop holds the lease", Holder("a", Operator("another/boot", 1, "1")))
    with pytest.raises(Refused, match="prod1: ann@laptop holds the lease") as caught:
        refuse_busy({"prod1": replace(checks_answer(), tools=tools, held=held)})
    assert caught.value.exit == LEASE_HELD
    with pytest.raises(NotChecked, match=r"prod1: docker compose \(v2\) is not installed on this host"):
        refuse_busy({"prod1": replace(checks_answer(), tools={**tools, "compose": None})})


PLANTS: dict[str, tuple[dict[str, Any], str]] = {
    "disk": ({"disks": {"/srv/shop": 1}}, "the disk of /srv/shop has 0 MiB free"),
    "memory": ({"memory_live": 9 << 30}, "a second colour needs about 9216 MiB"),
    "port": ({"listening": {"8080": "container old-web-1"}}, "port 8080, held by container old-web-1"),
    "project": ({"others": (PlainContainer("shop", "db", "running", "/srv"),)}, "the plain project shop in /srv"),
    "volume": ({"volumes": ("oldshop_pgdata",)}, "volumes of these names exist already: oldshop_pgdata"),
    "env": ({"live": LIVE}, "env keys that this release lacks: LOST"),
}
"""Every obstacle that the control node refuses: the facts that show it, and the words that name it."""


@pytest.mark.parametrize("left_out", [None, *PLANTS])
def test_everything_that_stops_a_deploy_is_told_in_one_refusal_for_every_machine(tmp_path, left_out):
    planted = PLANTS.keys() - {left_out}
    facts = replace(FREE, **{name: value for plant in planted for name, value in PLANTS[plant][0].items()})
    with pytest.raises(Refused) as caught:
        refuse_unfit({"a": facts, "b": FREE, "c": facts}, release(), prod(tmp_path, HOSTS))
    lines = [line for line in str(caught.value).splitlines() if not line.startswith(" ")]
    for machine in ("a", "c"):
        told = {name for name in PLANTS for line in lines if line.startswith(machine) and PLANTS[name][1] in line}
        assert told == planted
    assert len(lines) == 2 * len(planted)


def test_the_volumes_of_a_plain_project_that_is_there_are_taken_over_once(tmp_path):
    there = (PlainContainer("shop", "db", "running", "/srv"),)
    assert refused(tmp_path, others=there, volumes=("shop_pgdata",)).count("{external: shop_pgdata}") == 1


def test_every_machine_that_is_busy_and_every_tool_that_is_missing_is_named():
    held = replace(checks_answer(), held=HeldLease("ann holds it", Holder("a", Operator("another/boot", 1, "1"))))
    with pytest.raises(Refused, match="a: ann holds it\nb: ann holds it") as caught:
        refuse_busy({"a": held, "b": held, "c": checks_answer()})
    assert caught.value.exit == LEASE_HELD
    bare = replace(checks_answer(), tools={})
    with pytest.raises(NotChecked) as lacking:
        refuse_busy({"a": bare, "b": bare})
    assert [line.split(" is not")[0] for line in str(lacking.value).splitlines()] == [
        f"{machine}: {tool}" for machine in ("a", "b") for tool in ("docker", "docker compose (v2)", "git")
    ]


def test_a_lost_env_key_may_be_dropped_by_name_and_a_name_that_is_live_nowhere_is_a_slip(tmp_path):
    sent = release()
    dropping = replace(sent, contents=replace(sent.contents, dropped=("LOST",)))
    refuse_unfit({"prod1": replace(FREE, live=LIVE, edge=HELD)}, dropping, prod(tmp_path, HOSTS))
    slip = replace(sent, contents=replace(sent.contents, dropped=("LOST", "LSOT")))
    message = refused(tmp_path, of=slip, live=LIVE, edge=HELD)
    assert message == "prod1: --drop-env LSOT: the live release has no such env key. Leave it out"
