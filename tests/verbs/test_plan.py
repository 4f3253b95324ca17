"""``inv plan``: what a deploy would change, from a machine's facts."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from switchyard.core.kinds import ServiceKind
from switchyard.core.site import Site
from switchyard.core.wire.answers import PlanFacts
from switchyard.core.wire.facts import Facts
from switchyard.verbs.plan import differences, planned_steps
from tests.harness.machine_answers import FACTS, live_release
from tests.harness.unsent_release import release

FREE = PlanFacts(
    **{field.name: getattr(FACTS, field.name) for field in fields(Facts)}, site=Site(), scales={}, images=()
)


def test_the_steps_of_a_first_deploy_come_with_their_commands():
    steps = planned_steps(FREE, release())
    assert [name.split()[0] for name in steps][:2] == ["receive", "build"]
    assert any("up" in command for command in steps["up blue"])


@pytest.mark.parametrize(
    "need",
    [{"volumes": {"new": "shop_new"}}, {"data": ("new",)}, {"kinds": {"db": ServiceKind("shared", "")}}],
)
def test_a_later_release_that_needs_what_the_host_lacks_plans_to_create_it(need):
    site = Site(proxy="blue", map_file="blue", edge="current", shared="healthy")
    live = replace(FREE, site=site, volumes=("shop_pgdata",))
    new = release()
    assert "shared" not in planned_steps(live, new)
    assert "shared" in planned_steps(live, replace(new, split=replace(new.split, **need)))


def test_keys_and_services_that_come_and_go_are_named_and_no_value_is():
    new = release()
    new = replace(new, split=replace(new.split, kinds={"web": ServiceKind("routed", "it publishes a port")}))
    live = replace(live_release(), env_keys=("LOST",), kinds={"old": "routed"})
    assert differences(live, new, {"web": ("image", "command")}) == [
        "env keys added: KEPT",
        "env keys gone: LOST",
        "services added: web",
        "services gone: old",
        "images of web: known after build",
        "compose: web: image, command",
    ]
