"""State: never two writers, never an empty volume, never a dead end."""

from __future__ import annotations

import json

import pytest

KEPT = "RUN mkdir /kept && chown nobody /kept\nVOLUME /kept"
DATABASE = """\
  db:
    build: ./db
    volumes: ["pgdata:/var/lib/postgresql/data"]
    secrets: [token]
volumes: {pgdata: {}}
secrets: {token: {file: /home/deploy/absent}}
"""


@pytest.mark.instance
def test_state_that_appears_in_a_later_release_is_created_and_an_image_s_own_volume_keeps_its_content(site):
    site.commit("1")
    site.receipt("deploy")
    site.rewrite("    build: .", "    build: .\n    volumes: ['new:/new', './uploads:/uploads']")
    compose = site.app / "compose.yaml"
    compose.write_text(compose.read_text() + "volumes: {new: {}}\n")
    site.build_with(KEPT)
    site.settings(data={"./uploads": "data"})
    site.commit("2")
    unnamed = site.inv("deploy")
    assert unnamed.returncode == 2 and '{"web:/kept": volume}' in unnamed.stdout, unnamed.stdout
    site.settings(data={"./uploads": "data", "web:/kept": "volume"})
    site.commit("3")
    planned = json.loads(site.inv("plan", "--json").stdout)["hosts"][0]
    assert "shared" in planned["steps"], planned
    assert site.inv("deploy").returncode == 0 and site.answer() == "3"
    assert site.run("stat", "-c", "%U %a", f"{site.root}/data/uploads") == "deploy 755"
    (web,) = (name for name, state in site.containers("green").items() if state == "running")
    site.docker("exec", web, "sh", "-c", "echo upload > /kept/upload")
    site.commit("4")
    site.receipt("deploy")
    (web,) = (name for name, state in site.containers("blue").items() if state == "running")
    assert site.docker("exec", web, "cat", "/kept/upload") == "upload"


@pytest.mark.instance
def test_a_worker_that_ends_by_itself_is_named_as_a_oneshot_and_the_corrected_settings_ship_the_same_commit(site):
    compose = site.app / "compose.yaml"
    site.commit("1")
    site.receipt("deploy")
    compose.write_text(compose.read_text() + "  load: {build: ., command: ['true'], restart: 'no'}\n")
    site.settings(kinds={"load": "handover"})
    site.commit("2")
    mistaken = site.inv("deploy")
    assert mistaken.returncode == 5 and site.answer() == "1", mistaken.stdout
    settings = site.checkout / "invoke.yaml"
    whole = json.loads(settings.read_text())
    whole["app"]["kinds"] = {"load": "oneshot"}
    settings.write_text(json.dumps(whole))
    corrected = site.inv("deploy")
    assert corrected.returncode == 0 and site.answer() == "2", corrected.stdout
    assert "app.kinds.load: oneshot" in mistaken.stdout, mistaken.stdout


@pytest.mark.instance
def test_a_database_that_is_built_is_shared_and_what_it_needs_of_the_host_is_missed_before_it_starts(site):
    (site.app / "db").mkdir()
    (site.app / "db" / "Dockerfile").write_text("ARG V=17\nFROM postgres:${V} AS server\nFROM server\n")
    compose = site.app / "compose.yaml"
    compose.write_text(compose.read_text() + DATABASE)
    site.commit("1")
    services = site.inv("services")
    assert services.returncode == 0, services.stdout
    assert "shared" in services.stdout and "two servers" not in services.stdout, services.stdout
    absent = "service db: secrets.token: the host has no /home/deploy/absent"
    for words, code in ((("plan",), 4), (("doctor",), 1), (("predeploy", "--only", "sources"), 1)):
        done = site.inv(*words)
        assert done.returncode == code and absent in " ".join(done.stdout.split()), done.stdout
    site.settings(kinds={"db": "plain"})
    site.commit("2")
    plan = " ".join(site.inv("plan").stdout.split())
    assert "db is plain and writes to volume pgdata" in plan and "two servers of state" in plan, plan
