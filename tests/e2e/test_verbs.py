"""The verbs other than deploy and rollback, on a real host, seen from outside."""

from __future__ import annotations

import json
import os
import signal
import time
import urllib.request
from collections.abc import Iterator

import pytest

from switchyard.core import commands
from tests.harness.relay import Relay
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


def cache(site: Site, *words: str) -> str:
    return site.docker("exec", f"{site.name}-shared-cache-1", "redis-cli", *words)


SAY = """
import socket, sys
link = socket.socket(socket.AF_UNIX)
link.connect(sys.argv[1])
link.sendall(sys.argv[2].encode() + b"\\n")
print(link.recv(65536).decode())
"""


def take_out(site: Site, colour: str) -> None:
    """Leave a colour's servers as a program does that is killed while it waits for them to become idle."""
    commands = ";".join(f"set server web-8000_{colour}/s{number} state drain" for number in range(1, 9))
    site.run("python3", "-c", SAY, f"/home/deploy/apps/{site.name}/edge/run/edge.sock", commands)


def wait_for_servers(site: Site, count: int) -> None:
    """Wait until this many servers of the edge answer users."""
    (edge,), deadline, servers = site.containers("edge"), time.monotonic() + 20, set()
    while len(servers) != count:
        assert time.monotonic() < deadline, servers
        lines = site.docker("logs", "--tail", "40", edge).splitlines()
        servers = {json.loads(line)["server"] for line in lines if line.startswith("{")}


def test_scale_runs_so_many_without_a_failed_request_and_later_releases_keep_it(site, under_load):
    site.settings(healthy_within=60)
    late = ["sh", "-c", "sleep 1; exec python3 app.py"]
    site.rewrite("    build: .\n", f"    build: .\n    command: {json.dumps(late)}\n")
    site.commit("1")
    site.receipt("deploy")
    load = under_load()
    assert site.inv("scale", "--service", "web", "--count", "2").returncode == 0
    assert list(site.containers("blue").values()) == ["running", "running"]
    wait_for_servers(site, 2)
    take_out(site, "green")
    site.commit("2")
    site.receipt("deploy")
    assert list(site.containers("green").values()) == ["running", "running"]
    assert site.inv("restart", "--service", "web").returncode == 0
    wait_for_servers(site, 2)
    assert site.inv("scale", "--service", "web", "--count", "1").returncode == 0
    assert list(site.containers("green").values()) == ["running"]
    wait_for_servers(site, 1)
    assert site.inv("scale", "--service", "web", "--count", "2").returncode == 0
    wait_for_servers(site, 2)
    summary = load.stop()
    assert summary.sent > 500 and summary.failed == 0, summary.errors
    (edge,) = site.containers("edge")
    tries = [json.loads(line) for line in site.docker("logs", edge).splitlines() if line.startswith("{")]
    assert not [line for line in tries if int(line["retries"])], "one that does not listen yet, or no more, was asked"
    entries = site.journal()
    for step, ends in (("scale", "scaled"), ("restart", "restarted")):
        found = [what for name, what in entries if name == step]
        assert found[:3] == ["intent", "done", ends], "an intent before, an outcome after, and the attempt's end"
    refused = site.inv("scale", "--service", "nothing", "--count", "2")
    assert refused.returncode == 2 and "web" in refused.stdout
    assert site.inv("scale", "--service", "web", "--count", "99").returncode == 2


def cut_short(site: Site, verb: str, when: str) -> None:
    """Kill an apply's program as soon as a command succeeds on the host, and require what the screen says then."""
    root = f"/home/deploy/apps/{site.name}"
    kill = f"""until {when}; do :; done; kill -9 $(grep -o '^ "pid": [0-9]*' lease.json | tr -dc 0-9)"""
    with site.start(verb, "--yes", "--host", "prod") as process:
        site.run("sh", "-c", f"cd {root}; {kill}")
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 1 and "the host program was killed" in said, said
    for typed, code in (("status", 7), ("deploy", 4)):
        told = site.inv(typed)
        assert told.returncode == code and f"inv {verb} was cut short" in told.stdout, told.stdout


def test_a_changed_shared_service_stops_a_deploy_and_shared_apply_carries_it_out_with_its_data(with_cache):
    site = with_cache
    site.commit("1")
    site.receipt("deploy")
    cache(site, "set", "row", "kept")
    cache(site, "save")
    (site.app / "cache" / "redis.conf").write_text("bind 0.0.0.0\nprotected-mode no\nmaxclients 77\n")
    site.commit("2")
    refused = site.inv("deploy")
    assert refused.returncode == 4 and "inv shared.apply --host prod" in refused.stdout, refused.stdout
    unasked = site.inv("shared.apply")
    assert unasked.returncode == 4 and "--yes" in unasked.stdout, unasked.stdout
    assert "100" in cache(site, "config", "get", "maxclients")
    cut_short(site, "shared.apply", "grep -qs 77 shared/files/cache/redis.conf")
    applied = site.inv("shared.apply", "--yes")
    assert applied.returncode == 0, applied.stdout
    assert "77" in cache(site, "config", "get", "maxclients")
    assert cache(site, "get", "row") == "kept"
    again = site.inv("shared.apply", "--yes")
    assert again.returncode == 0 and "nothing to do" in again.stdout
    site.receipt("deploy")
    assert site.answer() == "2"


def test_a_shared_service_that_does_not_come_up_goes_back_to_what_it_was_and_is_told_where_that_is_down_too(with_cache):
    site, sound = with_cache, '"redis-server", "/etc/cache/redis.conf"'
    first = site.commit("1")
    site.receipt("deploy")
    cache(site, "set", "row", "kept")
    site.rewrite(sound, f'{sound}, "--no-such-option", "1"')
    site.rewrite("maxclients 100", "no-such-option-either yes", "cache/redis.conf")
    site.commit("2")
    applied = site.inv("shared.apply", "--yes")
    assert applied.returncode == 5, applied.stdout
    assert cache(site, "get", "row") == "kept" and "100" in cache(site, "config", "get", "maxclients")
    assert site.answer() == "1" and site.receipt("status")["hosts"][0]["drift"] == []
    refused = site.inv("deploy")
    assert refused.returncode == 4 and "cache: command, file cache" in refused.stdout, refused.stdout
    site.rewrite(f'{sound}, "--no-such-option", "1"', '"sh", "-c", "echo no data > dump.rdb; exit 4"')
    site.commit("3")
    broken = site.inv("shared.apply", "--yes")
    assert broken.returncode == 1 and "does not come back either, so it is down: cache" in broken.stdout, broken.stdout
    status = site.inv("status")
    assert status.returncode == 7 and "the shared service cache runs 0 of 1" in status.stdout, status.stdout
    site.run("rm", f"/var/lib/docker/volumes/{site.name}_kept/_data/dump.rdb")
    repaired = site.inv("shared.apply", "--yes", "--rev", first)
    assert repaired.returncode == 0, repaired.stdout
    assert "100" in cache(site, "config", "get", "maxclients")
    assert site.receipt("status")["hosts"][0]["drift"] == []


def test_edge_apply_gives_the_edge_a_new_address_and_a_rollback_past_it_keeps_that_or_is_refused(site):
    """One of its addresses is the host's own; the control node reaches it through its connection."""
    site.commit("1")
    site.receipt("deploy")
    old, site.port = site.port, next(PORTS)
    site.rewrite(f'"{old}:8000"', f'"{site.port}:8000"')
    commit = site.commit("2")
    refused = site.inv("deploy")
    assert refused.returncode == 4 and "inv edge.apply --host prod" in refused.stdout, refused.stdout
    cut_short(site, "edge.apply", "test -e edge/before")
    applied = site.inv("edge.apply", "--yes")
    assert applied.returncode == 0, applied.stdout
    assert site.answer() == "1"
    site.point_at(site.app)
    second = site.receipt("deploy")["release"]
    assert site.answer() == "2"
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
    site.rewrite(f'"127.0.0.1:{site.port}:8000"', f'"{site.port}:9000"')
    site.commit("4")
    assert site.inv("edge.apply", "--yes").returncode == 0
    before = [site.containers(colour) for colour in ("blue", "green")]
    refused = site.inv("rollback", "--to", second)
    assert refused.returncode == 4 and "no address for web:8000" in refused.stdout, refused.stdout
    assert f"inv edge.apply --host prod --rev {commit[:10]}" in refused.stdout, refused.stdout
    assert [site.containers(colour) for colour in ("blue", "green")] == before


def test_what_only_looks_leaves_nothing_but_the_program_on_a_host(site):
    site.commit("1")
    for words in (["plan"], ["deploy", "--dry-run"], ["status"], ["history"], ["doctor"]):
        done = site.inv(*words)
        assert done.returncode == 0, f"{words}: {done.stdout}"
    planned, dry = (site.receipt(*words)["hosts"] for words in (["plan"], ["deploy", "--dry-run"]))
    assert planned == dry and planned[0]["steps"][-1] == "seen"
    assert site.run("ls", "-A", f"/home/deploy/apps/{site.name}") == "bin"


def test_plan_writes_nothing_and_a_rollback_with_todays_env_is_a_release_of_the_older_commit(site):
    site.commit("1")
    site.receipt("deploy")
    first = site.receipt("status")["hosts"][0]["live"]["commit"]
    site.commit("2")
    before = site.docker("ps", "--all", "--quiet")
    planned = json.loads(site.inv("plan", "--json").stdout)
    assert planned["outcome"] == "planned" and "switch green" in planned["hosts"][0]["steps"]
    assert site.docker("ps", "--all", "--quiet") == before and len(site.receipt("status")["hosts"][0]["kept"]) == 1
    done = site.receipt("deploy")
    carried = [
        f"{step['name']} {step['colour']}" if step["colour"] else step["name"] for step in done["hosts"][0]["steps"]
    ]
    assert ["predeploy", "receive", *carried[1:]] == planned["hosts"][0]["steps"] and carried[0] == "predeploy"
    back = site.inv("rollback", "--env", "current")
    assert back.returncode == 0, back.stdout
    live = site.receipt("status")["hosts"][0]
    assert site.answer() == "1" and live["live"]["commit"] == first
    assert [kept["state"] for kept in live["kept"]] == ["good", "bad", "good"]


def test_the_old_colour_stops_when_its_standby_is_over_and_still_comes_back(site):
    site.settings(standby=1, drain=1)
    site.commit("1")
    site.receipt("deploy")
    site.commit("2")
    site.receipt("deploy")
    assert list(site.containers("blue").values()) == ["running"]
    deadline = time.monotonic() + 30
    while list(site.containers("blue").values()) == ["running"] and time.monotonic() < deadline:
        restarted = site.inv("restart", "--service", "web")
        assert restarted.returncode == 0, restarted.stdout
    assert list(site.containers("blue").values()) == ["exited"]
    site.receipt("rollback")
    assert site.answer() == "1"


@pytest.fixture
def relay(site: Site) -> Iterator[Relay]:
    made = Relay(site.host.port)
    site.reach_through(made.port)
    yield made
    made.server.close()


def test_a_connection_that_is_cut_is_made_again_and_the_deploy_goes_to_its_end(site, relay):
    site.commit("1")
    done = site.deploy_struck("building images", lambda _: relay.cut())
    assert done.returncode == 0, done.stdout
    assert "building images" in done.stdout and "3 remote executions" in done.stdout
    with urllib.request.urlopen(site.url, timeout=5) as answer:
        assert answer.status == 200


def test_a_word_that_a_broken_line_swallowed_is_said_again(site, relay):
    site.commit("1")
    said = ""
    with site.start("deploy", "--host", "prod") as process:
        assert process.stdout is not None
        for line in process.stdout:
            said += line
            if "building images" in line:
                relay.deaf = True
            if "nothing to go back to" in line:  # next is the word to switch, which the host does not hear
                swallowed = relay.swallowed
                while relay.swallowed == swallowed and process.poll() is None:
                    time.sleep(0.01)
                relay.deaf = False
                relay.cut()
        process.wait(30)
    assert process.returncode == 0, said
    assert "switching traffic" in said and "3 remote executions" in said


def test_ctrl_c_while_a_release_is_sent_leaves_nobody_with_the_lease_and_the_next_deploy_goes_live(site, relay):
    site.commit("1")
    site.receipt("deploy")
    (site.app / "large").write_bytes(os.urandom(8 << 20))
    site.commit("2")
    relay.room = 2 << 20
    with site.start("deploy", "--host", "prod") as process:
        while not relay.swallowed:
            assert process.poll() is None, process.communicate()[0]
            time.sleep(0.01)
        asked = time.monotonic()
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
    took = time.monotonic() - asked
    relay.room = 0
    assert process.returncode == 130 and "cancelled: nothing live changed" in said, said
    assert site.answer() == "1" and site.receipt("status")["hosts"][0]["lease"] is None
    site.receipt("deploy")
    assert site.answer() == "2"
    assert took < 20, f"{took:.1f} s"


def test_what_a_plan_prints_is_what_a_deploy_carries_out(site):
    """One digest covers steps and commands, with a oneshot, a worker, a pulled image and a smoke command."""
    compose = site.app / "compose.yaml"
    compose.write_text(
        compose.read_text()
        + "  migrate: {build: ., command: ['true']}\n"
        + "  worker: {build: ., command: ['sleep', '1000'], init: true, healthcheck: {test: ['CMD', 'true']}}\n"
        + "  cache: {image: 'redis:8', healthcheck: {test: ['CMD', 'redis-cli', 'ping'], interval: 1s}}\n"
    )
    kinds = {"migrate": "oneshot", "worker": "handover", "cache": "shared"}
    site.settings(kinds=kinds, smoke=["sh", "-c", "true"], healthy_within=20)
    for version in ("1", "2", "3"):
        site.commit(version)
        (planned,) = json.loads(site.inv("plan", "--json").stdout)["hosts"]
        (done,) = site.receipt("deploy")["hosts"]
        carried = [(f"{s['name']} {s['colour']}" if s["colour"] else s["name"], s["commands"]) for s in done["steps"]]
        assert carried == [(name, list(planned["commands"][name])) for name in planned["steps"] if name != "receive"]
        assert commands.digest(carried) == planned["digest"]
    assert "images of migrate, web, worker: known after build" in planned["changes"]


def test_a_plan_says_what_changes_and_no_value(site):
    site.commit("1")
    site.receipt("deploy")
    (site.checkout / "prod.env").write_text("BREAK=none\nADDED=a-secret-value\n")
    site.rewrite("stop_grace_period: 20s", "stop_grace_period: 21s")
    site.commit("2")
    explained = json.loads(site.inv("services", "--explain").stdout)
    assert set(explained) == {"shared", "blue", "green", "build"} and "web" in explained["green"]["services"]
    assert "a-secret-value" not in json.dumps(explained)
    said = site.inv("plan").stdout
    assert "env keys added: ADDED" in said and "compose: web: stop_grace_period" in said, said
    assert "a-secret-value" not in said


def test_doctor_finds_what_would_stop_a_deploy(site):
    site.commit("1")
    well = site.inv("doctor")
    assert well.returncode == 0 and "all is well" in well.stdout, well.stdout
    site.docker("run", "--detach", "--name", "holder", "--publish", f"{site.port}:80", "redis:8")
    try:
        ill = site.inv("doctor")
        assert ill.returncode == 1 and f"port {site.port}, held by container holder" in ill.stdout, ill.stdout
    finally:
        site.docker("rm", "--force", "--volumes", "holder")


def test_env_from_the_host_is_that_of_the_live_release(site):
    site.commit("1")
    path = site.checkout / "invoke.yaml"
    written = path.read_text()
    path.write_text(written.replace('{"files": ["prod.env"]}', '{"host": true}'))
    refused = site.inv("deploy")
    assert refused.returncode == 4 and "env.files for the first deploy" in refused.stdout, refused.stdout
    path.write_text(written)
    site.receipt("deploy")
    path.write_text(written.replace('{"files": ["prod.env"]}', '{"host": true}'))
    (site.checkout / "prod.env").unlink()
    site.commit("2")
    site.receipt("deploy")
    assert site.answer() == "2"
    assert site.run("cat", f"/home/deploy/apps/{site.name}/current/env") == "BREAK=none"


def test_ten_deploys_stay_within_a_tenth_of_the_disk_of_five_also_where_containers_write_as_root(site):
    site.rewrite("    ports:\n", '    user: "0"\n    volumes: ["./state:/state"]\n    ports:\n')
    (site.app / "state").mkdir()
    (site.app / "state" / "file").write_text("tracked")
    writes = 'def main():\n    os.makedirs("/state/mine/deep", 0o700, exist_ok=True)\n'
    site.rewrite("def main():\n", writes, "app.py")
    site.settings(writable=["./state"])
    used = []
    for number in range(10):
        site.commit(str(number))
        done = site.inv("deploy")
        assert done.returncode == 0 and ("open connections cut: 0" in done.stdout) == (number > 1), done.stdout
        sizes = site.run("du", "-sxk", "/var/lib/docker", "/home/deploy/apps").splitlines()
        used.append(sum(int(line.split()[0]) for line in sizes))
    assert used[9] <= used[4] * 1.1, used
    (machine,) = site.receipt("status")["hosts"]
    kept = {release["release"]: release["commit"] for release in machine["kept"]}
    assert len(kept) == 5 and set(site.run("ls", f"/home/deploy/apps/{site.name}/releases").split()) == set(kept)
    oldest = min(kept)
    back = site.inv("rollback", "--to", oldest[:4])
    assert back.returncode == 4 and "names several releases" in back.stdout, back.stdout
    site.receipt("rollback", "--to", kept[oldest][:8])
    assert site.answer() == "5"
    bad = max(kept)
    site.receipt("rollback", "--to", bad)
    assert site.answer() == "9"


CACHE_LEFT = """
import json, sys
sys.path.insert(0, sys.argv[1])
from switchyard.host.adapters import engine
engine.trim_build_cache(int(sys.argv[2]), within=30)
records = engine._get("/system/df", {"type": "build-cache"})["BuildCache"]
print(sum(record["Size"] for record in records if not record["Shared"]))
"""
"""What a layer of an image takes is no cache: it stays as long as the image."""


def test_every_deploy_trims_the_build_cache_to_what_may_stay(site):
    filled = "FROM python:3.13-slim\\nRUN head -c 20000000 /dev/urandom > /filled"
    site.run("sh", "-c", f"cd /tmp; printf '{filled}' | docker buildx build --output type=cacheonly -")
    began = site.run("date", "+%s.%N")
    site.commit("1")
    site.receipt("deploy")
    events = site.docker("events", "--since", began, "--until", site.run("date", "+%s.%N"), "--filter", "event=prune")
    assert "builder prune" in events, events
    (program,) = site.run("sh", "-c", f"ls -d /home/deploy/apps/{site.name}/bin/*").split()
    roomy, tight = (int(site.run("python3", "-c", CACHE_LEFT, program, most)) for most in ("1000000000", "1000000"))
    assert tight < 1_000_000 < 20_000_000 < roomy, (tight, roomy)


def test_a_dry_run_says_whether_the_host_would_refuse_the_commit(site):
    older = site.commit("1")
    site.commit("2")
    (site.checkout / "prod.env").write_text("BREAK=none\nMORE=1\n")
    site.receipt("deploy")
    site.broken("none")
    (planned,) = json.loads(site.inv("deploy", "--dry-run", "--rev", older, "--json").stdout)["hosts"]
    assert any(change.startswith("REFUSED: not a descendant of") for change in planned["changes"]), planned
    assert any(change.startswith("REFUSED: prod1: the live release has env keys") for change in planned["changes"])


def test_a_migration_that_must_not_be_repeated_is_not_and_none_runs_beside_one_that_a_kill_left(site):
    path = site.app / "compose.yaml"
    sound = path.read_text()
    path.write_text(sound + "  migrate: {build: ., init: true, command: ['sleep', '600']}\n")
    site.settings(kinds={"migrate": "oneshot"}, migrations={"service": "migrate", "repeat": "never"})
    site.commit("1")
    running = ("ps", "--filter", f"label=switchyard.app={site.name}", "--format", "{{.Names}}")
    with site.start("deploy", "--host", "prod") as process:
        site.wait_for_migrate(process)
        lease = json.loads(site.run("cat", f"/home/deploy/apps/{site.name}/lease.json"))
        site.run("kill", "-9", str(lease["pid"]))
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 1 and "the host program was killed" in said, said
    refused = site.inv("deploy")
    assert refused.returncode == 4 and "must not be repeated" in refused.stdout, refused.stdout
    (left,) = [name for name in site.docker(*running).split() if "-migrate-" in name]
    path.write_text(sound + "  migrate: {build: ., command: ['true']}\n")
    site.commit("2")
    done = site.inv("deploy", "--force", "--yes")
    assert done.returncode == 0 and f"stopping {left}, which" in done.stdout, done.stdout
    assert "-migrate-" not in site.docker(*running)
    assert site.answer() == "2"


LEDGER = """
  migrate: {build: ., user: root, command: [cp, VERSION, /ledger/head], volumes: ["ledger:/ledger"]}
volumes: {ledger: {}}
"""


def test_a_schema_that_a_rollback_leaves_ahead_is_told_by_the_commands_of_the_settings(site):
    compose = site.app / "compose.yaml"
    compose.write_text(compose.read_text() + LEDGER)
    adapter = {"current": ["cat", "/ledger/head"], "pending": ["cat", "VERSION"]}
    site.settings(kinds={"migrate": "oneshot"}, migrations={"service": "migrate", **adapter})
    site.commit("1")
    site.receipt("deploy")
    site.commit("2")
    assert "migrations of migrate: known after build" in site.inv("plan").stdout
    said = site.inv("deploy").stdout
    assert "pending migrations: 2" in said, said
    record = json.loads(site.run("cat", f"/home/deploy/apps/{site.name}/current/release.json"))
    assert record["head"] == {"before": "1", "after": "2", "files": []}
    back = site.inv("rollback")
    assert back.returncode == 0, back.stdout
    assert "the schema stays at 2, ahead of" in back.stdout and "'s 1; a rollback runs no" in back.stdout, back.stdout


def test_a_plain_project_that_somebody_starts_beside_it_is_drift(site):
    site.commit("1")
    site.receipt("deploy")
    folder = f"/home/deploy/{site.name}"
    site.copy_to(folder, site.port + 1000)
    compose = ("compose", "-p", site.name, "--project-directory", folder)
    site.docker(*compose, "up", "-d", "--build")
    try:
        status = site.inv("status")
        assert status.returncode == 7 and f"plain project {site.name} runs in {folder}" in status.stdout, status.stdout
    finally:
        site.docker(*compose, "down")
