"""A route is its public address: what stands behind it ships and rolls back like anything else."""

from __future__ import annotations

import json
import subprocess
import urllib.request

import pytest

from tests.harness.load import Load
from tests.harness.site import PORTS, Site

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
    return site.load(f"http://{site.host.ip}:{port}", rate=50)


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


@pytest.mark.instance
def test_each_form_of_ports_is_carried_out_or_refused_in_the_plan_with_the_setting_that_resolves_it(site):
    local, six, second, drawn = (next(PORTS) for _ in range(4))
    carried = [f"{site.port}:8000", f"{second}:8000", f"127.0.0.1:{local}:8000", f"[::1]:{six}:8000"]
    refused = ["8001", f"{drawn}:8002/udp", f"{drawn}-{drawn + 2}:8003"]
    compose = {"services": {"web": {"build": ".", "deploy": {"replicas": 10}, "ports": [*carried, *refused]}}}
    (site.app / "compose.yaml").write_text(json.dumps(compose))
    site.commit("1")
    done = site.inv("plan")
    assert done.returncode in (2, 4), done.stdout
    for words in (
        "ports: 8001, ",
        "8002/udp",
        f"{drawn}-{drawn + 2}:8003",
        "app.ignored_ports.web: [8001, 8003]",
        "to at most 8",
    ):
        assert words in done.stdout, f"{words}: {done.stdout}"
    health = {"web": {"port": 8000, "path": HEALTH}}
    site.settings(ignored_ports={"web": ["8001", "8002/udp", "8003"]}, checks=health)
    site.commit("2")
    done = site.inv("plan")
    assert done.returncode in (2, 4) and "at most 8" in done.stdout, done.stdout
    compose["services"]["web"]["deploy"] = {"replicas": 2}
    (site.app / "compose.yaml").write_text(json.dumps(compose))
    site.commit("3")
    assert site.inv("plan").returncode == 0
    site.receipt("deploy")
    get = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=5).read().decode())"
    for address in (f"127.0.0.1:{local}", f"[::1]:{six}", f"127.0.0.1:{second}", f"127.0.0.1:{site.port}"):
        assert site.run("python3", "-c", get, f"http://{address}/").strip() == "3", address
    refused_by_address = "import sys, socket; socket.create_connection((sys.argv[1], int(sys.argv[2])), 2)"
    with pytest.raises(subprocess.CalledProcessError):
        site.run("python3", "-c", refused_by_address, site.host.ip, str(local))


@pytest.mark.instance
def test_an_application_with_tcp_routes_alone_is_good_once_its_own_check_passes_through_the_edge(site):
    route = {"service": "web", "port": 8000, "listen": str(site.port), "mode": "tcp"}
    site.settings(routes=[route], checks={"web": {"port": 8000, "path": HEALTH}})
    site.commit("1")
    assert site.receipt("deploy")["outcome"] == "live"
    (machine,) = site.receipt("status")["hosts"]
    assert machine["live"]["state"] == "good"
    page(site, site.port)
    (machine,) = site.receipt("status")["hosts"]
    (counted,) = [each for each in machine["traffic"]["routes"] if each["mode"] == "tcp"]
    assert (counted["release"], counted["failed"]) == (machine["live"]["release"], 0) and counted["requests"] >= 1


@pytest.mark.instance
def test_status_tells_what_users_got_and_none_of_our_own_probes(site):
    site.commit("1")
    site.receipt("deploy")
    for path in ("", "health", "no-such-page"):
        site.run(
            "sh",
            "-c",
            f"python3 -c 'import urllib.request as u; u.urlopen(\"http://127.0.0.1:{site.port}/{path}\")' || true",
        )
    site.commit("2")
    site.receipt("deploy")
    (machine,) = site.receipt("status")["hosts"]
    releases = {each["release"]: each for each in machine["traffic"]["routes"]}
    assert [each["requests"] for each in releases.values()] == [3], releases
    assert "requests/s" in site.inv("status").stdout
