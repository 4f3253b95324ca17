"""Several operators on one host: one at a time acts, and the others learn at once who does."""

from __future__ import annotations

import copy
import re
import shutil

import pytest

from tests.harness.site import clear


def other_operator(site, **env: str):
    """Return the same application from another checkout, with an env of its own."""
    other = copy.copy(site)
    other.checkout = site.checkout.with_name("other")
    shutil.copytree(site.checkout, other.checkout)
    with open(other.checkout / "prod.env", "a") as file:
        file.writelines(f"{key}={value}\n" for key, value in env.items())
    return other


@pytest.mark.instance
def test_one_checkout_deploys_to_two_hosts_at_the_same_time(site, second_host):
    other = copy.copy(site)
    other.host, _ = second_host
    site.add_host("stage", *second_host)
    site.commit("1")
    try:
        both = [site.start("deploy", "--host", name) for name in ("prod", "stage")]
        outputs = [process.communicate(timeout=120)[0] for process in both]
        assert [process.returncode for process in both] == [0, 0], "\n".join(outputs)
        assert (site.answer(), other.answer()) == ("1", "1")
        back = site.start("rollback")
        output, _ = back.communicate(timeout=60)
        assert back.returncode == 2 and "candidates: prod, stage" in output, output
    finally:
        clear(other)


def test_whoever_comes_during_a_deploy_is_turned_away_and_a_second_checkout_loses_nothing_of_the_first(site):
    site.commit("1")
    site.receipt("deploy")
    other = other_operator(site, COLOUR="of the other checkout")
    site.build_with(f"RUN sleep 600 || echo {site.name} goes on")
    site.commit("2")
    with site.start("deploy", "--host", "prod") as process:
        site.wait_for("sleep 600", process)
        before = site.run("ls", f"/home/deploy/apps/{site.name}/releases")
        away, back = other.turned_away("deploy"), site.turned_away("rollback")
        unlock = site.inv("unlock", "--reason", "to see whether it refuses")
        assert site.run("ls", f"/home/deploy/apps/{site.name}/releases") == before
        site.run("pkill", "-f", "^sleep 600")
        output, _ = process.communicate(timeout=120)
    assert away.returncode == 75 and "sending" not in away.stdout, away.stdout
    assert re.search(r"\w+@\S+ holds the lease: deploy since \d\d:\d\d:\d\d", away.stdout), away.stdout
    assert back.returncode == 75 and "holds the lease: deploy since" in back.stdout, back.stdout
    assert unlock.returncode == 4 and "is alive" in unlock.stdout, unlock.stdout
    assert process.returncode == 0 and site.answer() == "2", output
    other.receipt("deploy")
    lost = site.inv("deploy")
    assert lost.returncode == 4 and "env keys that this release lacks: COLOUR" in lost.stdout, lost.stdout
    site.receipt("rollback")
    assert site.answer() == "2"
