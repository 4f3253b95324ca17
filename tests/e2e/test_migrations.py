"""A migration runs once, alone, and a rollback says where it leaves the schema ahead."""

from __future__ import annotations

import json


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
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 1 and "the host program was killed" in output, output
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
    output = site.inv("deploy").stdout
    assert "pending migrations: 2" in output, output
    record = json.loads(site.run("cat", f"/home/deploy/apps/{site.name}/current/release.json"))
    assert record["head"] == {"before": "1", "after": "2", "files": []}
    back = site.inv("rollback")
    assert back.returncode == 0, back.stdout
    assert "the schema stays at 2, ahead of" in back.stdout and "'s 1; a rollback runs no" in back.stdout, back.stdout
