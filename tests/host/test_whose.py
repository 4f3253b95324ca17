"""What stands where an application needs its own, and names that two applications would share."""

from __future__ import annotations

from dataclasses import replace

import pytest

from switchyard.core.wire.request import Request
from switchyard.host.whose import names_of_others, objects_of_others
from tests.harness.fake_engine import listed
from tests.harness.release_record import RECORD

SHOP = Request("deploy", "shop", "~/apps/shop", host="prod")


def networks(fake_engine, **owners: str | None) -> None:
    answer = [
        {"Name": name.replace("_", "-"), "Driver": "bridge", "Labels": {"switchyard.app": app} if app else {}}
        for name, app in owners.items()
    ]
    fake_engine.know("/networks", answer)


def test_its_own_objects_are_no_obstacle(store, fake_engine):
    networks(fake_engine, shop_blue="shop", shop_green="shop", bridge=None, blog_blue="blog")
    fake_engine.know("/containers/json", [listed("shop-blue-web-1", project="shop-blue", service="web")])
    assert list(objects_of_others(store, SHOP, (), ("web", "edge"))) == []
    assert list(names_of_others(store, "shop", ("shop_pgdata", "media"))) == []


def test_what_nobody_needs_may_be_removed_and_what_another_application_runs_may_not(store, fake_engine):
    networks(fake_engine, shop_blue=None)
    foreign = listed("shop-green-web-1", app="blog", project="blog-green", service="web")
    plain = listed("x", app=None, project="shop-blue", service="web")
    fake_engine.know("/containers/json", [foreign, plain, listed("y", app=None, project="shop-blue", service="other")])
    network, theirs, nobodys = objects_of_others(store, SHOP, (), ("web",))
    assert "network shop-blue is not Switchyard's" in network and "(docker network rm shop-blue)" in network
    assert "is the application blog's" in theirs and "docker rm" not in theirs
    assert "stands where shop runs web" in nobodys and "(docker rm -f x)" in nobodys


def test_a_rollback_is_stopped_only_by_what_stands_where_its_services_run(store, fake_engine):
    networks(fake_engine, shop_blue="shop")
    fake_engine.know("/containers/json", [listed("x", app=None, project="shop-shared", service="db")])
    assert list(objects_of_others(store, SHOP, (), ("web",))) == []


def test_both_applications_are_named_where_they_would_share_a_name(store, fake_engine):
    networks(fake_engine, shop_b_blue="shop_b", shop_green_blue="shop-green")
    volume, meeting = names_of_others(store, "shop", ("shop_b_c",))
    assert "volume shop_b_c of shop" in volume and "the application shop_b" in volume
    assert "containers of shop and of the application shop-green" in meeting


def test_what_an_older_version_let_in_stays_usable(store, fake_engine):
    networks(fake_engine, shop_b_blue="shop_b", shop_green_blue="shop-green")
    store.releases.write(replace(RECORD, since=1.0, state="good"))
    fake_engine.know("/volumes/shop_b_c", {"Name": "shop_b_c"})
    assert list(names_of_others(store, "shop", ("shop_b_c",))) == []


@pytest.mark.parametrize("owner,problems", [("shop", 0), ("blog", 1)])
def test_a_root_that_holds_another_application_is_refused(store, fake_engine, owner, problems):
    networks(fake_engine)
    store.releases.write(replace(RECORD, name=owner, since=1.0, state="good"))
    reasons = list(names_of_others(store, "shop", ()))
    assert len(reasons) == problems and all("holds releases of the application blog" in each for each in reasons)
