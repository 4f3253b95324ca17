"""Routes at one address differ by name and path, and ship and roll back like anything else."""

from __future__ import annotations

import itertools
import json
import urllib.error
import urllib.request
from collections.abc import Iterable

import pytest

from switchyard.core.app import Route
from switchyard.core.edge_names import READ, chosen
from switchyard.core.route_names import taker
from tests.harness.route_names import NAMES, PATHS, ROUTES
from tests.harness.site import Site

SHOP, OFFICE, WILD = "shop.example.com", "office.example.com", "*.example.com"


def ship(site: Site, version: str, *routes: dict[str, str]) -> str:
    """Commit a release of three services that tell which they are, with these routes at the site's address."""
    services = {name: {"build": ".", "environment": {"ROLE": name}} for name in ("web", "admin", "api")}
    (site.app / "compose.yaml").write_text(json.dumps({"services": services}))
    entries = [{"port": 8000, "listen": str(site.port), **route} for route in routes]
    routed = {str(route["service"]) for route in routes}
    kinds = {name: "routed" if name in routed else "plain" for name in services}
    checks = {name: {"port": 8000, "path": "/health"} for name in services}
    site.settings(routes=entries, kinds=kinds, checks=checks)
    return site.commit(version)


@pytest.fixture
def with_roles(site: Site) -> Site:
    """An application whose services tell which they are."""
    site.rewrite("VERSION = Path", 'VERSION = os.environ["ROLE"] + " " + Path', "app.py")
    return site


def page(site: Site, name: str, path: str = "/") -> str:
    """Return what a name and a path answer: the body, or the status of a refusal."""
    request = urllib.request.Request(f"http://{site.host.ip}:{site.port}{path}", headers={"Host": name})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return str(answer.read().decode().strip())
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.read().decode()}"


def test_names_and_paths_change_and_roll_back_under_load_without_another_edge(with_roles):
    site = with_roles
    ship(site, "1", {"service": "web", "host": SHOP}, {"service": "admin", "host": OFFICE})
    first = site.receipt("deploy")["release"]
    edge = site.containers("edge")
    unknown = "421 No route has this name."
    assert [page(site, name) for name in (SHOP, OFFICE, f"{SHOP}.:80", "other.example.com", site.host.ip)] == [
        *("web 1", "admin 1", "web 1", unknown, unknown)
    ]
    with site.load(name=SHOP) as load, site.load(name=OFFICE) as beside:
        ship(
            site,
            "2",
            {"service": "web", "host": SHOP},
            {"service": "api", "host": SHOP, "path": "/api"},
            {"service": "admin", "host": WILD},
        )
        plan = site.inv("plan").stdout
        assert f"route {site.port} {SHOP}/api: nothing becomes api:8000" in plan, plan
        site.receipt("deploy")
        answers = [
            page(site, *each) for each in ((SHOP,), (SHOP, "/api/x"), (SHOP, "/apix"), (OFFICE,), ("b.example.com",))
        ]
        assert answers == ["web 2", "api 2", "web 2", "admin 2", "admin 2"]
        assert page(site, "a.b.example.com") == unknown
        site.receipt("rollback")
        assert [page(site, *each) for each in ((SHOP, "/api/x"), (OFFICE,), ("b.example.com",))] == [
            *("web 1", "admin 1", unknown)
        ]
        summaries = [load.stop(), beside.stop()]
    assert [summary.failed for summary in summaries] == [0, 0], [
        (summary.errors, summary.timeline) for summary in summaries
    ]
    assert site.containers("edge") == edge, "only another public address needs another edge"
    ship(site, "3", {"service": "web", "path": "/shop"}, {"service": "admin", "host": OFFICE})
    site.receipt("deploy")
    assert [page(site, *each) for each in ((SHOP, "/shop"), (SHOP, "/"), (OFFICE, "/shop"))] == [
        *("web 3", "404 No route has this path.", "admin 3")
    ]
    site.receipt("rollback", "--to", first)
    assert page(site, SHOP) == "web 1"


PROGRAM = """
import http.client, json, socket, sys, time
deadline = time.monotonic() + 10
while True:
    try:
        socket.create_connection(("127.0.0.1", 13000), 1).close()
        break
    except OSError:
        assert time.monotonic() < deadline
for port, name, path in json.load(sys.stdin):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", path, headers={"Host": name})
    answer = connection.getresponse()
    print(json.dumps([answer.status, answer.read().decode()]))
"""


def frontends(sets: Iterable[tuple[Route, ...]]) -> str:
    """Return a configuration in which each set of routes has a port that answers with the one that takes a request."""
    parts = ["defaults\n  mode http\n  timeout client 5s\n  timeout server 5s\n  timeout connect 1s"]
    for number, routes in enumerate(sets):
        none = "http-request return status 404 if !{ var(txn.blue) -m found }"
        tell = 'http-request return status 200 content-type text/plain lf-string "%[var(txn.blue)]"'
        lines = [f"frontend f{number}", f"  bind 127.0.0.1:{13000 + number}", *READ, *chosen(routes, "blue")]
        parts.append("\n".join([*lines, f"  {none}", f"  {tell}"]))
    return "\n".join(parts) + "\n"


def test_haproxy_takes_the_route_that_the_order_names(site):
    sets = [each for size in (1, 2, 3, 9) for each in itertools.combinations(ROUTES, size)]
    names = (*NAMES, "A.EXAMPLE.com", "a.example.com.", "a.example.com:8080")
    paths = (*PATHS, "/%61pi/x")
    wanted = [(number, name, path) for number in range(len(sets)) for name, path in itertools.product(names, paths)]
    site.docker("run", "--detach", "--name", "order", "--network", "host", "haproxy:3.0", "sleep", "300")
    try:
        site.run("sh", "-c", "docker exec -i order sh -c 'cat > /tmp/haproxy.cfg'", text=frontends(sets))
        site.docker("exec", "--detach", "order", "haproxy", "-db", "-f", "/tmp/haproxy.cfg")
        asked = json.dumps([(13000 + number, name, path) for number, name, path in wanted])
        lines = site.run("python3", "-c", PROGRAM, text=asked).splitlines()
    finally:
        site.docker("rm", "--force", "order")
    for (number, name, path), line in zip(wanted, lines, strict=True):
        status, body = json.loads(line)
        plain = name.lower().removesuffix(":8080").removesuffix(".")
        route = taker(sets[number], plain, path.replace("%61", "a"))
        assert (status, body) == ((200, route.name) if route else (404, body)), (sets[number], name, path)
