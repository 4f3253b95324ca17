"""The lint of the compose file: each rule finds what breaks it, with its line, and spares what only looks like it."""

from __future__ import annotations

import json

import pytest
import yaml

from switchyard.predeploy.configuration.compose_lint import ERRORS, RULES
from tests.harness.predeploy_application import Application

DRAWN = "q7Zr4" + "Tn2Vx9" + "Lk8Wb3Pd"
WELL = {"image": "nginx:1.27.3", "healthcheck": {"test": ["CMD", "true"]}}
"""A service that breaks no rule."""
ROOT = "FROM python:3.13.1-slim\nUSER root\n"

PLANTED: dict[str, tuple[str, str, dict]] = {
    # service: rule, the kind that the settings give it, what it adds to a service that breaks no rule
    "socket": ("docker-socket", "plain", {"volumes": ["/var/run/docker.sock:/var/run/docker.sock:ro"]}),
    "run": ("docker-socket", "plain", {"volumes": [{"type": "bind", "source": "/run/", "target": "/host"}]}),
    "whole": ("docker-socket", "plain", {"volumes": ["/:/host"]}),
    "privileged": ("privileged", "plain", {"privileged": True}),
    "capable": ("privileged", "plain", {"cap_add": ["ALL"]}),
    "administrator": ("capability", "plain", {"cap_add": ["NET_ADMIN"]}),
    "device": ("device", "plain", {"devices": ["/dev/fuse:/dev/fuse"]}),
    "unconfined": ("security-option", "plain", {"security_opt": ["seccomp:unconfined"]}),
    "literal": ("secret-in-file", "plain", {"environment": {"DB_PASSWORD": "swordfish"}}),
    "listed": ("secret-in-file", "plain", {"environment": ["LOG=1", "API_TOKEN=swordfish"]}),
    "default": ("secret-in-file", "plain", {"environment": {"DB_PASSWORD": "${DB_PASSWORD:-swordfish}"}}),
    "nested": ("secret-in-file", "plain", {"environment": {"DB_PASSWORD": "${A:-${B:-swordfish}}"}}),
    "instead": ("secret-in-file", "plain", {"environment": {"DB_PASSWORD": "${A:+swordfish}"}}),
    "short": ("secret-in-file", "plain", {"environment": {"SMTP_PASS": "swordfish"}}),
    "shorter": ("secret-in-file", "plain", {"environment": {"MYSQL_PWD": "sword$$fish"}}),
    "hooked": ("secret-in-file", "plain", {"environment": {"HOOK_SECRET": f"https://hooks.internal/{DRAWN}"}}),
    "pathlike": ("secret-in-file", "plain", {"environment": {"DB_PASS": f"/{DRAWN}"}}),
    "keyed": ("secret-in-file", "plain", {"environment": ["JWT_KEY=swordfish"]}),
    "around": ("secret-in-file", "plain", {"environment": {"SECRET_KEY": "swordfish-${STAGE:-prod}"}}),
    "address": ("secret-in-file", "plain", {"environment": {"DSN": f"postgres://app:{DRAWN}@db/app"}}),
    "label": ("secret-in-file", "plain", {"labels": {"backup.password": "swordfish"}}),
    "argument": ("secret-in-file", "plain", {"build": {"context": "web", "args": {"NPM_TOKEN": "swordfish"}}}),
    "command": (
        "secret-in-file",
        "shared",
        {"image": "redis:7.4.1", "command": "redis-server --requirepass swordfish"},
    ),
    "open": ("open-port", "shared", {"ports": ["5432:5432"]}),
    "opener": ("open-port", "shared", {"ports": ["0.0.0.0:5433:5432"]}),
    "latest": ("latest", "plain", {"image": "nginx:latest"}),
    "untagged": ("latest", "plain", {"image": "registry.internal:5000/team/nginx"}),
    "database": ("unpinned-database", "shared", {"image": "postgres:17"}),
    "alpine": ("unpinned-database", "shared", {"image": "postgres:17-alpine"}),
    "unchecked": ("no-health-check", "plain", {"healthcheck": None}),
    "disabled": ("no-health-check", "handover", {"healthcheck": {"disable": True}}),
    "verbose": ("unbounded-log", "plain", {"logging": {"driver": "json-file"}}),
    "rooted": ("root", "plain", {"user": "0:0"}),
    "built": ("root", "plain", {"build": "root"}),
    "undecided": ("root", "plain", {"build": {"context": "root", "dockerfile": "Undecided"}}),
    "network": ("host-namespace", "plain", {"network_mode": "host"}),
    "processes": ("host-namespace", "plain", {"pid": "host"}),
}
WARNINGS = {"latest", "unpinned-database", "no-health-check", "unbounded-log", "root"}

INNOCENT: dict[str, tuple[str, dict]] = {
    "web": ("routed", {"ports": ["8000:8000"]}),
    "local": ("shared", {"ports": ["127.0.0.1:5432:5432"], "image": "postgres:17.2-bookworm"}),
    "digest": ("shared", {"image": f"postgres@sha256:{'ab' * 32}"}),
    "filled": (
        "plain",
        {
            "environment": {
                "DB_PASSWORD": "${DB_PASSWORD:?}",
                "API_TOKEN": "${API_TOKEN-}",
                "OTHER_TOKEN": "${API_TOKEN:+$API_TOKEN}",
                "DB_PASSWORD_FILE": "/run/secrets/db",
                "ALLOW_EMPTY_PASSWORD": "yes",
                "TOKEN_TTL": "3600",
                "NESTED_PASSWORD": "${DB_PASSWORD:-${OTHER_PASSWORD:-${THIRD:?}}}",
                "MESSAGE_PASSWORD": "${DB_PASSWORD:?set it, ${STAGE:-please}}",
                "JWT_KEY": "/run/secrets/jwt.pem",
                "PROXY_PASS": "http://api:8000",
                "COMPASS": "north",
                "BYPASS": "some",
                "PWD": "/srv",
                "PUBLIC_KEY": "ssh-ed25519 AAAA",
                "PRIMARY_KEY": "id",
                "SSH_KEY_FILE": "/home/app/key",
                "SECRET_KEY": "",
                "DSN": "postgres://app:${DB_PASSWORD}@db/app",
                "CACHE": "redis://redis:6379/0",
            },
            "labels": ["traefik.enable=true"],
        },
    ),
    "once": ("oneshot", {"healthcheck": None}),
    "probed": ("plain", {"healthcheck": None}),
    "bounded": ("plain", {"logging": {"driver": "json-file", "options": {"max-size": "1m"}}}),
    "rotated": ("plain", {"logging": {"driver": "local"}}),
    "stages": ("plain", {"build": "web", "healthcheck": None, "image": "mine"}),
    "given": ("plain", {"build": "root", "user": "1000"}),
    "near": ("plain", {"volumes": ["/var/run/app:/var/run/app"], "cap_add": ["NET_BIND_SERVICE"]}),
    "profiled": ("plain", {"privileged": True, "profiles": ["debug"]}),
    "guarded": ("shared", {"image": "redis:7.4.1", "command": "redis-server --requirepass ${REDIS_PASSWORD}"}),
}
STAGES = """\
FROM node:22.1 AS build
USER root
FROM python:3.13.1-slim AS base
USER app
HEALTHCHECK CMD true
FROM base
CMD ["x"]
"""


def application_of(folder, services: dict, kinds: dict, **settings) -> Application:
    """Create an application with these services, of the kinds that its settings give them."""
    application = Application(folder)
    application.write("web/Dockerfile", STAGES)
    application.write("root/Dockerfile", ROOT)
    application.write("root/Undecided", "FROM python:3.13.1-slim\n")
    application.write("compose.yaml", yaml.safe_dump({"services": services}, sort_keys=False))
    application.write("invoke.yaml", json.dumps({"app": {"name": "small", "kinds": kinds, **settings}}))
    return application


def service(added: dict) -> dict:
    """Return a service that breaks no rule, with keys added; None removes a key."""
    keys = {**WELL, **added}
    if "build" in added and "image" not in added:
        del keys["image"]
    return {key: value for key, value in keys.items() if value is not None}


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    services = {name: service(added) for name, (_, _, added) in PLANTED.items()}
    kinds = {name: kind for name, (_, kind, _) in PLANTED.items()}
    return application_of(tmp_path_factory.mktemp("planted"), services, kinds).predeploy("compose")


def test_every_rule_is_either_an_error_or_a_warning_and_has_a_planted_violation():
    assert {*ERRORS, *WARNINGS} == RULES.keys() == {rule for rule, _, _ in PLANTED.values()}
    assert not WARNINGS & {*ERRORS}


@pytest.mark.parametrize("name", PLANTED)
def test_a_service_that_breaks_a_rule_is_found(planted, name):
    rule = PLANTED[name][0]
    findings = [each for each in planted.check("compose")["findings"] if each["what"].startswith(f"service {name}: ")]
    assert [(each["rule"], each["severity"]) for each in findings] == [(rule, "warn" if rule in WARNINGS else "error")]
    assert findings[0]["place"] == "compose.yaml" and findings[0]["line"] > 1


def test_a_finding_names_the_line_of_the_key(tmp_path):
    application = Application(tmp_path)
    application.write(
        "compose.yaml",
        "services:\n  web:\n    image: nginx:1.27.3\n    healthcheck: {test: [CMD, x]}\n    ports: ['80:80']\n"
        "    environment:\n      MODE: small\n      DB_PASSWORD: swordfish\n",
    )
    run = application.predeploy("compose")
    assert [(each["rule"], each["line"]) for each in run.check("compose")["findings"]] == [("secret-in-file", 8)]
    assert run.code == 1


def test_no_output_shows_a_secret_of_the_file(planted):
    assert "swordfish" not in planted.text + str(planted.json) and DRAWN not in planted.text + str(planted.json)


def test_services_that_only_look_like_violations_pass(tmp_path):
    services = {name: service(added) for name, (_, added) in INNOCENT.items()}
    kinds = {name: kind for name, (kind, _) in INNOCENT.items()}
    application = application_of(tmp_path, services, kinds, checks={"probed": {"port": 80}})
    application.write(".env.example", "THIRD=x\nDB_PASSWORD=\nREDIS_PASSWORD=\nAPI_TOKEN=\n")
    application.write(".env", "COMPOSE_PROFILES=debug\n")
    run = application.predeploy("compose")
    assert run.check("compose")["findings"] == []
    assert (run.code, run.check("compose")["outcome"]) == (0, "pass"), run.text


def test_warnings_alone_do_not_fail(tmp_path):
    run = application_of(tmp_path, {"web": service({"image": "nginx"})}, {"web": "plain"}).predeploy("compose")
    assert run.code == 0 and run.rules("compose", "warn") == ["latest"]
    assert "[latest]" in run.text


def test_a_waiver_is_for_one_rule_and_one_service(tmp_path):
    services = {name: service({"privileged": True, "image": "nginx"}) for name in ("one", "two")}
    waive = [{"rule": "privileged", "where": "one", "reason": "it makes file systems"}]
    kinds = dict.fromkeys(services, "plain")
    application = application_of(tmp_path, services, kinds)
    application.allow(waive=waive)
    run = application.predeploy("compose")
    findings = run.check("compose")["findings"]
    assert [(each["rule"], each["what"].split(":")[0]) for each in findings] == [
        ("latest", "service one"),
        ("privileged", "service two"),
        ("latest", "service two"),
    ]
    assert run.code == 1


def test_a_commit_waives_nothing_that_reaches_the_host(tmp_path):
    waive = [{"rule": rule, "where": "one", "reason": "I say so"} for rule in ("privileged", "latest")]
    services = {"one": service({"privileged": True, "image": "nginx"})}
    run = application_of(tmp_path, services, {"one": "plain"}, predeploy={"waive": waive}).predeploy("compose")
    assert run.rules("compose") == ["privileged"] and run.rules("compose", "warn") == []
    assert "control node's own settings" in run.text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("services: [", "compose.yaml"),
        ("services:\n  web: {image: x, prots: []}\n", "prots"),
        ("services:\n  web: {image: '${WHICH}'}\n", "WHICH"),
        ("services: {}\n", "no service"),
    ],
)
def test_a_file_that_compose_cannot_resolve_is_unknown_with_its_error(tmp_path, text, words):
    application = Application(tmp_path)
    application.write("compose.yaml", text)
    run = application.predeploy("compose")
    assert (run.code, run.check("compose")["outcome"]) == (3, "unknown"), run.text
    assert words in run.check("compose")["reason"] and "Traceback" not in run.text


CASES = {"compose": (PLANTED, INNOCENT)}
