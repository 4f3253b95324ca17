"""What a deploy refuses, an apply carries out, and goes back where it fails."""

from __future__ import annotations

import re
import urllib.request

import pytest

from tests.harness.services import redis
from tests.harness.site import PORTS, Site

CACHE = """
  cache:
    image: redis:8
    command: ["redis-server", "/etc/cache/redis.conf"]
    volumes:
      - kept:/data
      - ./cache:/etc/cache:ro
    healthcheck:
      test: ["CMD", "redis-cli", "ping"]
      interval: 1s
volumes:
  kept: {}
"""


@pytest.fixture
def with_cache(site: Site) -> Site:
    (site.app / "cache").mkdir()
    (site.app / "cache" / "redis.conf").write_text("bind 0.0.0.0\nprotected-mode no\nmaxclients 100\n")
    compose = site.app / "compose.yaml"
    compose.write_text(compose.read_text() + CACHE)
    return site


GET = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).read().decode())"


def answer_at(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return str(answer.read().decode().strip())


def interruption(output: str) -> float:
    """Return the seconds for which an apply says that it interrupted every route."""
    (seconds,) = re.findall(r"every route was interrupted for ([0-9.]+) s", output)
    return float(seconds)


def cut_short(site: Site, verb: str, when: str) -> None:
    """Kill an apply's program as soon as a command succeeds on the host, and require what the screen says then."""
    root = f"/home/deploy/apps/{site.name}"
    kill = f"""until {when}; do :; done; kill -9 $(grep -o '^ "pid": [0-9]*' lease.json | tr -dc 0-9)"""
    with site.start(verb, "--yes", "--host", "prod") as process:
        site.run("sh", "-c", f"cd {root}; {kill}")
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 6 and "the host program was killed" in output, output
    for typed, code in (("status", 7), ("deploy", 4)):
        done = site.inv(typed)
        assert done.returncode == code and f"inv {verb} was cut short" in done.stdout, done.stdout


@pytest.mark.instance
def test_a_changed_shared_service_stops_a_deploy_and_shared_apply_carries_it_out_with_its_data(with_cache):
    site = with_cache
    site.commit("1")
    site.receipt("deploy")
    redis(site, "set", "row", "kept")
    redis(site, "save")
    (site.app / "cache" / "redis.conf").write_text("bind 0.0.0.0\nprotected-mode no\nmaxclients 77\n")
    site.commit("2")
    refused = site.inv("deploy")
    assert refused.returncode == 4 and "inv shared.apply --host prod" in refused.stdout, refused.stdout
    unasked = site.inv("shared.apply")
    assert unasked.returncode == 4 and "--yes" in unasked.stdout, unasked.stdout
    assert "100" in redis(site, "config", "get", "maxclients")
    cut_short(site, "shared.apply", "grep -qs 77 shared/files/cache/redis.conf")
    applied = site.inv("shared.apply", "--yes")
    assert applied.returncode == 0, applied.stdout
    assert "77" in redis(site, "config", "get", "maxclients")
    assert redis(site, "get", "row") == "kept"
    again = site.inv("shared.apply", "--yes")
    assert again.returncode == 0 and "nothing to do" in again.stdout
    site.receipt("deploy")
    assert site.answer() == "2"


def test_a_shared_service_that_does_not_come_up_goes_back_to_what_it_was_and_is_told_where_that_is_down_too(with_cache):
    site, sound = with_cache, '"redis-server", "/etc/cache/redis.conf"'
    first = site.commit("1")
    site.receipt("deploy")
    redis(site, "set", "row", "kept")
    site.rewrite(sound, f'{sound}, "--no-such-option", "1"')
    site.rewrite("maxclients 100", "no-such-option-either yes", "cache/redis.conf")
    site.commit("2")
    applied = site.inv("shared.apply", "--yes")
    assert applied.returncode == 5, applied.stdout
    assert redis(site, "get", "row") == "kept" and "100" in redis(site, "config", "get", "maxclients")
    assert site.answer() == "1" and site.receipt("status")["hosts"][0]["drift"] == []
    refused = site.inv("deploy")
    assert refused.returncode == 4 and "cache: command, file cache" in refused.stdout, refused.stdout
    site.rewrite(f'{sound}, "--no-such-option", "1"', '"sh", "-c", "echo no data > dump.rdb; exit 4"')
    site.commit("3")
    broken = site.inv("shared.apply", "--yes")
    assert broken.returncode == 6 and "does not come back either, so it is down: cache" in broken.stdout, broken.stdout
    status = site.inv("status")
    assert status.returncode == 7 and "the shared service cache runs 0 of 1" in status.stdout, status.stdout
    site.run("rm", f"/var/lib/docker/volumes/{site.name}_kept/_data/dump.rdb")
    repaired = site.inv("shared.apply", "--yes", "--rev", first)
    assert repaired.returncode == 0, repaired.stdout
    assert "100" in redis(site, "config", "get", "maxclients")
    assert site.receipt("status")["hosts"][0]["drift"] == []


def test_edge_apply_gives_the_edge_a_new_address_where_everything_live_answers_also_after_a_rollback(site):
    """One of its addresses is the host's own; the control node reaches it through its connection."""
    site.commit("1")
    site.receipt("deploy")
    former, old = site.url, site.port
    site.port = next(PORTS)
    site.rewrite(f'"{old}:8000"', f'"{site.port}:8000"')
    site.commit("2")
    refused = site.inv("deploy")
    assert refused.returncode == 4 and "inv edge.apply --host prod" in refused.stdout, refused.stdout
    cut_short(site, "edge.apply", "test -e edge/draft/routes.json")
    applied = site.inv("edge.apply", "--yes")
    assert applied.returncode == 0, applied.stdout
    assert site.answer() == answer_at(former) == "1", "what is live answers where it did, and at the new address"
    assert interruption(applied.stdout) < 3, applied.stdout  # about 1 s on a machine of its own
    site.point_at(site.app)
    assert f"route {old} is closed at the switch" in site.inv("plan").stdout
    second = site.receipt("deploy")["release"]
    assert site.answer() == "2"
    with pytest.raises(OSError):
        answer_at(former)
    site.receipt("rollback")
    assert site.answer() == "1"
    site.rewrite(f'"{site.port}:8000"', f'"127.0.0.1:{site.port}:8000"')
    settings = site.checkout / "invoke.yaml"
    settings.write_text(settings.read_text().replace(f'"url": "{site.url}", ', ""))
    site.commit("3")
    assert site.inv("edge.apply", "--yes").returncode == 0
    done = site.receipt("deploy")
    assert done["outcome"] == "live" and done["hosts"][0]["probes"]["sent"] is None, "verified, and not probed"
    with pytest.raises(OSError):
        site.answer()
    site.rewrite(f'"127.0.0.1:{site.port}:8000"', '"192.0.2.7:80:8000"')
    site.commit("4")
    refused = site.inv("edge.apply", "--yes")
    assert refused.returncode == 4 and "this host has no address 192.0.2.7" in refused.stdout, refused.stdout
    site.receipt("rollback", "--to", second)
    page = site.run("python3", "-c", GET, f"http://127.0.0.1:{site.port}")
    assert page == "2", "its port is held at another address, and leads to it"
