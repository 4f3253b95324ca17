"""The lint of the compose document: each rule finds what breaks it, at its line, and leaves alone what does not."""

from __future__ import annotations

import json

import pytest
import yaml

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
WARNINGS = {"latest", "unpinned-database", "no-health-check", "unbounded-log", "root", "host-namespace"}

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


def made(folder, services: dict, kinds: dict, **settings) -> Application:
    application = Application(folder)
    application.write("web/Dockerfile", STAGES)
    application.write("root/Dockerfile", ROOT)
    application.write("root/Undecided", "FROM python:3.13.1-slim\n")
    application.write("compose.yaml", yaml.safe_dump({"services": services}, sort_keys=False))
    application.write("invoke.yaml", json.dumps({"app": {"name": "small", "kinds": kinds, **settings}}))
    return application


def service(added: dict) -> dict:
    found = {**WELL, **added}
    if "build" in added and "image" not in added:
        del found["image"]
    return {key: value for key, value in found.items() if value is not None}


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    services = {name: service(added) for name, (_, _, added) in PLANTED.items()}
    kinds = {name: kind for name, (_, kind, _) in PLANTED.items()}
    return made(tmp_path_factory.mktemp("planted"), services, kinds).predeploy("compose")


@pytest.mark.parametrize("name", PLANTED)
def test_what_breaks_a_rule_is_found(planted, name):
    found = [each for each in planted.check("compose")["findings"] if each["what"].startswith(f"service {name}: ")]
    rule = PLANTED[name][0]
    assert [(each["rule"], each["severity"]) for each in found] == [(rule, "warn" if rule in WARNINGS else "error")]
    assert found[0]["place"] == "compose.yaml" and found[0]["line"] > 1


def test_a_finding_names_the_line_of_what_it_is_about(tmp_path):
    application = Application(tmp_path)
    application.write(
        "compose.yaml",
        "services:\n  web:\n    image: nginx:1.27.3\n    healthcheck: {test: [CMD, x]}\n    ports: ['80:80']\n"
        "    environment:\n      MODE: small\n      DB_PASSWORD: swordfish\n",
    )
    said = application.predeploy("compose")
    assert [(each["rule"], each["line"]) for each in said.check("compose")["findings"]] == [("secret-in-file", 8)]
    assert said.code == 1


def test_no_value_of_the_file_is_shown(planted):
    assert "swordfish" not in planted.text + str(planted.json) and DRAWN not in planted.text + str(planted.json)


def test_what_breaks_no_rule_passes(tmp_path):
    services = {name: service(added) for name, (_, added) in INNOCENT.items()}
    kinds = {name: kind for name, (kind, _) in INNOCENT.items()}
    application = made(tmp_path, services, kinds, checks={"probed": {"port": 80}})
    application.write(".env.example", "THIRD=x\nDB_PASSWORD=\nREDIS_PASSWORD=\nAPI_TOKEN=\n")
    application.write(".env", "COMPOSE_PROFILES=debug\n")
    said = application.predeploy("compose")
    assert said.check("compose")["findings"] == []
    assert (said.code, said.check("compose")["outcome"]) == (0, "pass"), said.text


def test_warnings_alone_fail_nothing(tmp_path):
    said = made(tmp_path, {"web": service({"image": "nginx"})}, {"web": "plain"}).predeploy("compose")
    assert said.code == 0 and said.rules("compose", "warn") == ["latest"]
    assert "[latest]" in said.text


def test_a_waiver_names_rule_and_service(tmp_path):
    services = {name: service({"privileged": True, "image": "nginx"}) for name in ("one", "two")}
    waive = [{"rule": "privileged", "where": "one", "reason": "it makes file systems"}]
    kinds = dict.fromkeys(services, "plain")
    said = made(tmp_path, services, kinds, predeploy={"waive": waive}).predeploy("compose")
    found = said.check("compose")["findings"]
    assert [(each["rule"], each["what"].split(":")[0]) for each in found] == [
        ("latest", "service one"),
        ("privileged", "service two"),
        ("latest", "service two"),
    ]
    assert said.code == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("services: [", "compose.yaml"),
        ("services:\n  web: {image: x, prots: []}\n", "prots"),
        ("services:\n  web: {image: '${WHICH}'}\n", "WHICH"),
        ("services: {}\n", "no service"),
    ],
)
def test_a_document_that_cannot_be_resolved_is_unknown_with_composes_words(tmp_path, text, words):
    application = Application(tmp_path)
    application.write("compose.yaml", text)
    said = application.predeploy("compose")
    assert (said.code, said.check("compose")["outcome"]) == (3, "unknown"), said.text
    assert words in said.check("compose")["reason"] and "Traceback" not in said.text


CASES = {"compose": (PLANTED, INNOCENT)}
