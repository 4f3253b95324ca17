"""A route is its public address: what stands behind it ships and rolls back like anything else."""

from __future__ import annotations

import json
import urllib.request

import pytest

from tests.harness.load import Load
from tests.harness.site import LOAD_SECONDS, PORTS, Site

HEALTH = "/health"


def ship(site: Site, version: str, *services: tuple[str, int, str, list[str]]) -> str:
    """Commit a release of these services, each with its name, its port, what it answers, and what it publishes."""
    document = {
        name: {
            "build": ".",
            "environment": {"PORT": str(port), "ROLE": role},
            "ports": ports,
            "stop_grace_period": "20s",
        }
        for name, port, role, ports in services
    }
    (site.app / "compose.yaml").write_text(json.dumps({"services": document}))
    site.settings(checks={name: {"port": port, "path": HEALTH} for name, port, _, _ in services})
    return site.commit(version)


@pytest.fixture
def with_roles(site: Site) -> Site:
    """An application whose services tell which they are."""
    site.rewrite("VERSION = Path", 'VERSION = os.environ["ROLE"] + " " + Path', "app.py")
    return site


def load_on(site: Site, port: int) -> Load:
    """Return a load that leaves the second route room on a small machine."""
    return Load(
        f"http://{site.host.ip}:{port}",
        rate=50,
        seconds=LOAD_SECONDS,
        get=lambda number: "/",
        post=lambda name: ("/echo", name.encode()),
    )


def page(site: Site, port: int) -> str:
    with urllib.request.urlopen(f"http://{site.host.ip}:{port}", timeout=5) as answer:
        return str(answer.read().decode().strip())


@pytest.mark.instance
def test_a_changed_port_a_rename_and_a_swap_ship_and_roll_back_under_load_without_a_failed_request(
    with_roles, under_load
):
    site, other = with_roles, next(PORTS)
    public = [f"{site.port}", f"{other}"]

    def pages() -> list[str]:
        return [page(site, site.port), page(site, other)]

    ship(site, "1", ("web", 8000, "shop", [f"{public[0]}:8000"]), ("admin", 9000, "office", [f"{public[1]}:9000"]))
    first = site.receipt("deploy")["release"]
    edge = site.containers("edge")
    with load_on(site, site.port) as load, load_on(site, other) as beside:
        ship(site, "2", ("web", 8001, "shop", [f"{public[0]}:8001"]), ("bureau", 9000, "office", [f"{public[1]}:9000"]))
        site.receipt("deploy")
        assert pages() == ["shop 2", "office 2"]
        ship(site, "3", ("web", 8001, "shop", [f"{public[1]}:8001"]), ("bureau", 9000, "office", [f"{public[0]}:9000"]))
        plan = site.inv("plan").stdout
        assert f"route {public[0]}: web:8001 becomes bureau:9000" in plan, plan
        site.receipt("deploy")
        assert pages() == ["office 3", "shop 3"]
        site.receipt("rollback")
        assert pages() == ["shop 2", "office 2"]
        site.receipt("rollback", "--to", first)
        assert pages() == ["shop 1", "office 1"]
        summaries = [load.stop(), beside.stop()]
    assert [summary.failed for summary in summaries] == [0, 0], [
        (summary.errors, summary.timeline) for summary in summaries
    ]
    assert site.containers("edge") == edge, "its addresses did not change"
