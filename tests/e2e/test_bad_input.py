"""Bad input changes nothing and gets a message with what to do, and no traceback. Odd values arrive whole."""

from __future__ import annotations

import contextlib
import json
import time

import pytest

COMPOSE = "/usr/libexec/docker/cli-plugins/docker-compose"


def invoke_yaml(site, **changes) -> None:
    """Change the host's entry, or its machine's, in the settings."""
    path = site.checkout / "invoke.yaml"
    whole = json.loads(path.read_text())
    entry = whole["hosts"]["prod"]
    for key, value in changes.items():
        (entry["machines"][0] if key in ("address", "port", "key") else entry)[key] = value
    path.write_text(json.dumps(whole))


def refused(site, *words: str, code: int, says: str) -> None:
    done = site.inv(*(words or ("deploy",)))
    assert done.returncode == code and says in done.stdout, done.stdout
    assert "Traceback" not in done.stdout


@contextlib.contextmanager
def away(site, path: str):
    """Move a file of the host out of the way."""
    site.run("mv", path, f"{path}.away")
    try:
        yield
    finally:
        site.run("mv", f"{path}.away", path)


@pytest.mark.parametrize(
    "path,says",
    [
        ("/usr/bin/git", "git is not installed"),
        (COMPOSE, "docker compose (v2) is not installed on this host"),
        ("/usr/bin/python3", "python3 is not installed"),
        ("/usr/bin/docker", "docker is not installed on this host"),
    ],
)
def test_a_host_that_lacks_a_tool_is_told_before_anything_is_built(site, path, says):
    site.commit("1")
    with away(site, path):
        refused(site, code=3, says=says)
    assert site.containers("blue") == {} and site.containers("edge") == {}


OLDER = """#!/usr/bin/python3
import sys
sys.version_info, sys.version = (3, 9, 2), "3.9.2 (default)"
exec(sys.argv[-1])
"""


def test_a_host_with_an_older_python_is_told(site):
    site.commit("1")
    site.run("sh", "-c", f"printf '%s' '{OLDER}' > /usr/local/bin/python3; chmod 755 /usr/local/bin/python3")
    try:
        refused(site, code=3, says="python3 is 3.9.2 there. Install Python 3.10")
    finally:
        site.run("rm", "/usr/local/bin/python3")


def test_each_slip_of_settings_or_repository_is_named_with_its_exit_code_and_changes_nothing(site):
    site.commit("1")
    settings, compose = site.checkout / "invoke.yaml", site.app / "compose.yaml"
    written, whole = settings.read_text(), compose.read_text()

    def shipped(text: str | None) -> None:
        compose.unlink() if text is None else compose.write_text(text)
        site.git("add", "--all")
        site.git("commit", "--quiet", "--message", "a slip")

    with site.start("deploy", "--host", "prdo") as process:
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 2 and "did you mean 'prod'? Known hosts: prod" in output, output
    settings.write_text("app:\n  nmae: x\n" + written[:0])
    refused(site, code=2, says="invoke.yaml:2: app.nmae: unknown key; did you mean name?")
    settings.write_text("app:\n  drain: soon\n")
    refused(site, code=2, says="invoke.yaml:2: app.drain: Input should be a valid integer")
    settings.write_text(written)
    refused(site, "deploy", "--force", code=4, says="Add --yes where nobody can answer a question")
    for text, code, says in (
        (whole.replace("${BREAK:-none}", "${NEEDED:?}"), 2, "hosts.NAME.env"),
        (whole.replace("${BREAK:-none}", "${NEEDED}"), 2, "nothing sets NEEDED"),
        (whole.replace("    build: .", "    build: .\n    network_mode: host"), 2, "service web: network_mode"),
        ("services: {web: [}\n", 2, "compose.yaml"),
        (None, 2, "the commit has no compose.yaml"),
    ):
        shipped(text)
        refused(site, code=code, says=says)
    shipped(whole)
    clone = site.app.parent / "clone"
    site.git("clone", "--quiet", "--depth", "1", f"file://{site.app}", str(clone))
    site.point_at(clone)
    refused(site, code=4, says="fetch --unshallow (in CI: fetch-depth: 0)")
    site.point_at(site.app)
    known = site.checkout / ".switchyard" / "known_hosts"
    keys = known.read_text()
    known.write_text("")
    refused(site, code=3, says="its host key is unknown. Verify the key, then add it: ssh-keyscan")
    known.write_text(keys)
    assert site.containers("blue") == site.containers("edge") == {}
    assert site.run("sh", "-c", f"ls /home/deploy/apps/{site.name}/releases 2>/dev/null || true") == ""


def test_a_service_without_a_health_check_goes_live_by_a_rule_that_is_told(site):
    path = site.app / "compose.yaml"
    path.write_text(path.read_text().split("    healthcheck:")[0])
    site.settings(healthy_within=60)
    site.commit("1")
    done = site.inv("deploy")
    assert done.returncode == 0 and "weak: web declare no health check; only their ports" in done.stdout, done.stdout
    assert site.answer() == "1"


def test_a_user_without_rights_on_the_engine_is_told(site):
    site.commit("1")
    site.run("gpasswd", "--delete", "deploy", "docker")
    try:
        refused(site, code=3, says="docker group")
    finally:
        site.run("gpasswd", "--add", "deploy", "docker")


def test_a_root_that_is_not_writable_is_told(site):
    site.commit("1")
    invoke_yaml(site, root="/proc/apps")
    refused(site, code=2, says="Choose another `root`")


def test_an_address_that_nobody_answers_at_is_told_within_10_seconds(site):
    site.commit("1")
    invoke_yaml(site, address="192.0.2.1", port=22)
    began = time.monotonic()
    refused_at = site.inv("deploy")
    assert refused_at.returncode == 3 and "192.0.2.1:22" in refused_at.stdout, refused_at.stdout
    assert "Traceback" not in refused_at.stdout and time.monotonic() - began < 10


def test_a_key_that_the_host_refuses_is_told(site, tmp_path):
    import paramiko

    site.commit("1")
    paramiko.RSAKey.generate(2048).write_private_key_file(str(tmp_path / "key"))
    invoke_yaml(site, key=str(tmp_path / "key"))
    refused(site, code=3, says="refuses the key")


def test_a_key_file_that_is_not_there_is_told(site):
    site.commit("1")
    invoke_yaml(site, key="no/such/key")
    done = site.inv("deploy")
    assert done.returncode in (2, 3) and "no/such/key" in done.stdout and "Traceback" not in done.stdout, done.stdout


@pytest.mark.parametrize(
    "words,code,says",
    [
        (("deploy", "--rev", "no-such-thing"), 2, "no commit is called no-such-thing"),
        (("rollback", "--to", "no-such-release"), 4, "no kept release is called 'no-such-release'"),
        (("scale", "--service", "web", "--count", "0"), 4, "nothing is live"),
        (("restart", "--service", "nothing"), 4, "nothing is live"),
    ],
)
def test_what_does_not_exist_is_told(site, words, code, says):
    site.commit("1")
    refused(site, *words, code=code, says=says)


def test_a_compose_file_of_200_services_is_read(site):
    path = site.app / "compose.yaml"
    path.write_text(path.read_text() + "".join(f"  s{number}:\n    image: redis:8\n" for number in range(200)))
    site.settings(kinds={f"s{number}": "plain" for number in range(200)})
    site.commit("1")
    done = site.inv("services")
    assert done.returncode == 0 and "s199" in done.stdout, done.stdout[-500:]


def test_odd_names_messages_and_values_arrive_whole(site):
    values = {
        "QUOTES": 'it\'s "so" `id` $(id) $HOME ${HOME} \\ end',
        "LINES": "one\ntwo",
        "UNICODE": "größer ☃",
        "LONG": "long " * 12_800,
    }
    site.rewrite("      BREAK:", "".join(f"      {name}: ${{{name}}}\n" for name in values) + "      BREAK:")
    quoted = {name: "'" + value.replace("'", "\\'") + "'" for name, value in values.items()}
    (site.checkout / "prod.env").write_text(
        "".join(f"{name}={value}\n" for name, value in quoted.items()) + "BREAK=none\n"
    )
    site.git("checkout", "--quiet", "-b", "odd/$(touch${IFS}pwned)'\"branch")
    (site.app / "VERSION").write_text("1")
    site.git("add", "--all")
    site.git("commit", "--quiet", "--message", 'it\'s "odd" $(id) `id` ☃\n\nwith a body; rm -rf /')
    site.receipt("deploy")
    assert site.answer() == "1"
    (container,) = site.containers("blue")
    (details,) = json.loads(site.docker("inspect", container))
    env = dict(entry.split("=", 1) for entry in details["Config"]["Env"])
    assert {name: env[name] for name in values} == values
