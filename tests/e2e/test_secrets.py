"""Every kind of secret is only where it must be, and only its owner can read it."""

from __future__ import annotations

import json
import textwrap

import pytest

from tests.harness.secret_watch import watched
from tests.harness.site import MAY_HOLD_SECRETS

ALL = CANARY, PASSWORD, TOKEN = ("canary-3f9a1c77d2", "canary-of-a-url-81", "canary-in-a-file-5c")
CRASH = """
import pathlib, urllib.parse
secrets = urllib.parse.urlsplit(os.environ["URL"]).password, pathlib.Path("/run/secrets/token").read_text()
sys.exit(f"it is {os.environ['SECRET']}, {secrets}")
"""
COMPOSE = """
  cache:
    image: redis:8
    environment: {PASSWORD: "${SECRET}"}
    healthcheck: {test: [CMD, redis-cli, ping], interval: 1s}
secrets:
  token: {file: ./token.txt}
"""


@pytest.fixture
def secretive(site):
    """Put secrets into the env, a shared service, a URL, a file and a build argument, where a failure prints them."""
    site.rewrite("      BREAK:", "      SECRET: ${SECRET:?}\n      URL: ${URL:?}\n      BREAK:")
    site.rewrite("    build: .\n", "    build: {context: ., args: {ARGUMENT: '${SECRET}'}}\n    secrets: [token]\n")
    (site.app / "compose.yaml").write_text((site.app / "compose.yaml").read_text() + COMPOSE)
    (site.app / "token.txt").write_text(f"{TOKEN}\n")
    path = site.app / "app.py"
    path.write_text(path.read_text().replace("        sys.exit(3)", textwrap.indent(CRASH, " " * 8)))
    return site


def write_env(site, how: str) -> None:
    (site.checkout / "prod.env").write_text(f"BREAK={how}\nSECRET={CANARY}\nURL=postgres://u:{PASSWORD}@db/x\n")


def with_build_step(site, step: str) -> None:
    dockerfile = site.app / "Dockerfile"
    lines = [line for line in dockerfile.read_text().splitlines() if not line.startswith(("ARG", "RUN"))]
    lines[lines.index("USER nobody") : lines.index("USER nobody")] = ["ARG ARGUMENT", f"RUN {step} # {site.name}"]
    dockerfile.write_text("\n".join(lines) + "\n")


def test_no_verb_and_no_failure_shows_a_secret_and_only_its_owner_can_read_what_is_kept(secretive):
    site, outputs = secretive, []

    def inv(*words: str, code: int = 0) -> str:
        process = site.inv(*words)
        outputs.append(process.stdout)
        assert process.returncode == code, process.stdout
        return process.stdout

    with watched(site, ALL) as seen:
        write_env(site, "none")
        site.commit("1")
        inv("plan")
        inv("deploy")
        write_env(site, "crash")
        site.commit("2")
        assert "it is •••, ('•••', '•••" in inv("deploy", code=1)
        failed = f"/home/deploy/apps/{site.name}/releases/*/failed/{site.name}-green-web-1"
        assert "it is •••, ('•••', '•••" in site.run("sh", "-c", f"cat {failed}.log")
        details = json.loads(site.run("sh", "-c", f"cat {failed}.json"))
        assert {"SECRET", "URL", "BREAK"} <= set(details["Config"]["Env"]) and details["State"]["ExitCode"] == 1
        write_env(site, "none")
        with_build_step(site, "echo built with $ARGUMENT; false")
        site.commit("3")
        assert "built with •••" in inv("deploy", code=1)
        with_build_step(site, "sleep 30")
        site.commit("4")
        with site.start("deploy", "--host", "prod") as operator:
            site.wait_for("sleep 30", operator)
            operator.kill()
            outputs.append(operator.communicate()[0])
        with_build_step(site, "true")
        site.commit("5")
        inv("plan", "--json")
        inv("deploy", "--json")
        inv("rollback")
        for words in (["status", "--json"], ["history"], ["services", "--explain"], ["logs"]):
            inv(*words)
        assert "was rolled back from" in inv("doctor", code=1)
        inv("exec", "--service", "web", "--command", "cat /proc/1/environ /run/secrets/token")
        (site.checkout / "prod.env").write_text(f"SECRET {CANARY}\n")
        inv("deploy", code=2)
    assert not [text for text in outputs for canary in ALL if canary in text]
    assert seen == set()
    root = f"/home/deploy/apps/{site.name}"
    holding = site.run("grep", "-rlE", "|".join(ALL), root).splitlines()
    assert holding and not [name for name in holding if not MAY_HOLD_SECRETS.match(name.removeprefix(f"{root}/"))], (
        holding
    )
    modes = site.run("stat", "--format", "%a", *(name for name in holding if "/files/" not in name)).split()
    assert set(modes) == {"600"}
    folders = f"{root} {root}/releases {root}/releases/* {root}/attempts/*"
    assert set(site.run("sh", "-c", f"stat --format %a {folders}").split()) == {"700"}
