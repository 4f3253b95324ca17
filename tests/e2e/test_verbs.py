"""Verbs that look, on a real host, seen from outside."""

from __future__ import annotations


def test_what_only_looks_leaves_nothing_but_the_program_on_a_host(site):
    site.commit("1")
    for words in (["plan"], ["deploy", "--dry-run"], ["status"], ["history"], ["doctor"]):
        done = site.inv(*words)
        assert done.returncode == 0, f"{words}: {done.stdout}"
    planned, dry = (site.receipt(*words)["hosts"] for words in (["plan"], ["deploy", "--dry-run"]))
    assert planned == dry and planned[0]["steps"][-1] == "seen"
    assert site.run("ls", "-A", f"/home/deploy/apps/{site.name}") == "bin"


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
