"""Credentials, files, tools and certificates: each against real servers, files and programs of this machine."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import pwd
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from switchyard.core.app import App
from switchyard.core.compose_document import Document, Service
from switchyard.core.errors import NotChecked
from switchyard.predeploy.configuration import services
from switchyard.predeploy.configuration.env import Requirement, judge
from switchyard.predeploy.configuration.services import Credentials
from switchyard.predeploy.engine.host_machine import HostMachine
from switchyard.predeploy.engine.subject import Subject
from switchyard.predeploy.reach import container_files as on_host
from switchyard.settings.predeploy import PredeploySetting, VariableSetting
from tests.harness.machine_answers import checks_answer
from tests.harness.predeploy_application import TOP, Application

SPEC = importlib.util.spec_from_file_location("kalshi_server", TOP / "examples/betting/tests/kalshi_server.py")
assert SPEC is not None and SPEC.loader is not None
kalshi_server = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(kalshi_server)

PEM, PUBLIC = kalshi_server.new_key()
OTHER, _ = kalshi_server.new_key()
KEY_ID = "a952bcbe-ec3b-4b5b-b8f9-11dae589608c"
KALSHI = {
    "kind": "kalshi",
    "url_from": "KALSHI_URL",
    "key_id_from": "KALSHI_KEY_ID",
    "key_from": "KALSHI_PRIVATE_KEY",
}


@pytest.fixture
def application(tmp_path) -> Iterator[Application]:
    made = Application(tmp_path)
    with made.closing:
        yield made


def with_kalshi(application: Application, **changed: str) -> Any:
    """A server that knows one key, and the environment that fits it, changed."""
    clock = changed.pop("clock", 0)
    server = application.closing.enter_context(
        kalshi_server.serve({KEY_ID: PUBLIC}, clock=lambda: time.time() + float(clock))
    )
    application.settings(credentials={"kalshi": KALSHI})
    fitting = {"KALSHI_URL": server.url, "KALSHI_KEY_ID": KEY_ID, "KALSHI_PRIVATE_KEY": PEM.decode()}
    application.environ.update({**fitting, **changed})
    return server


def refused(application: Application, check: str) -> list[str]:
    """The rules of a check that fails; no value of the environment is in what it says."""
    said = application.predeploy(check)
    assert (said.code, said.check(check)["outcome"]) == (1, "fail"), said.text
    assert "Traceback" not in said.text
    for value in application.environ.values():
        assert value not in said.text + str(said.json)
    return said.rules(check)


def outcome(application: Application, check: str) -> tuple[str, str]:
    said = application.predeploy(check)
    assert said.code == {"pass": 0, "fail": 1, "unknown": 3}.get(said.check(check)["outcome"], 3)
    assert "Traceback" not in said.text
    return said.check(check)["outcome"], said.check(check)["reason"]


def test_kalshi_takes_a_request_that_is_really_signed(application):
    server = with_kalshi(application)
    assert outcome(application, "credentials")[0] == "pass"
    assert server.answered == [("GET", "/trade-api/v2/portfolio/balance", 200)]


def test_an_address_without_a_path_is_completed(application):
    server = with_kalshi(application)
    application.environ["KALSHI_URL"] = server.url.removesuffix("/trade-api/v2") + "/"
    assert outcome(application, "credentials")[0] == "pass"


def test_a_key_in_one_line_or_in_a_file_is_a_key_too(application):
    with_kalshi(application, KALSHI_PRIVATE_KEY=PEM.decode().replace("\n", "\\n"))
    assert outcome(application, "credentials")[0] == "pass"
    (application.checkout / "kalshi.key").write_bytes(PEM)
    application.environ["KALSHI_PRIVATE_KEY"] = "kalshi.key"
    assert outcome(application, "credentials")[0] == "pass"


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"KALSHI_PRIVATE_KEY": OTHER.decode()}, "credential-refused"),
        ({"KALSHI_KEY_ID": "00000000-ec3b-4b5b-b8f9-11dae589608c"}, "credential-refused"),
        ({"clock": "60"}, "credential-clock"),
        ({"clock": "-60"}, "credential-clock"),
        ({"KALSHI_PRIVATE_KEY": PEM.decode().replace("M", "N", 20)}, "credential-key"),
        ({"KALSHI_PRIVATE_KEY": "no such file"}, "credential-key"),
        (
            {
                "KALSHI_PRIVATE_KEY": ec.generate_private_key(ec.SECP256R1())
                .private_bytes(
                    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
                )
                .decode()
            },
            "credential-key",
        ),
        ({"KALSHI_KEY_ID": ""}, "credential-missing"),
    ],
)
def test_what_kalshi_would_refuse_fails_and_says_whether_the_clock_is_off(application, changed, rule):
    with_kalshi(application, **changed)
    application.environ = {name: value for name, value in application.environ.items() if value}
    assert refused(application, "credentials") == [rule]


class Api(BaseHTTPRequestHandler):
    """Takes one token, and answers what its path says."""

    def do_GET(self) -> None:
        status = int(self.path.strip("/"))
        if status == 200 and self.headers["Authorization"] != "Bearer right-token":
            status = 403
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.send_header("Location", "/200")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


@contextlib.contextmanager
def served(handler: type[BaseHTTPRequestHandler], context: ssl.SSLContext | None = None) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def with_api(application: Application, path: str, token: str, **more: Any) -> None:
    port = application.closing.enter_context(served(Api))
    setting = {
        "kind": "http",
        "url": f"http://127.0.0.1:{port}/{path}",
        "headers": {"Authorization": "Bearer ${TOKEN}"},
    }
    application.settings(credentials={"scores": {**setting, **more}})
    application.environ["TOKEN"] = token


def test_an_api_that_takes_the_token_passes(application):
    with_api(application, "200", "right-token")
    assert outcome(application, "credentials") == ("pass", "one request each: scores at 127.0.0.1")


def test_a_status_of_the_settings_is_the_one_that_passes(application):
    with_api(application, "204", "any", status=204)
    assert outcome(application, "credentials")[0] == "pass"


@pytest.mark.parametrize(
    ("path", "token", "rule"),
    [("200", "wrong-token", "credential-refused"), ("401", "right-token", "credential-refused")]
    + [(path, "right-token", "credential-answer") for path in ("404", "302")],
)
def test_an_api_that_does_not_take_it_fails(application, path, token, rule):
    with_api(application, path, token)
    assert refused(application, "credentials") == [rule]


@pytest.mark.parametrize("path", ["500", "503", "429"])
def test_an_api_that_cannot_say_is_unknown(application, path):
    with_api(application, path, "right-token")
    assert outcome(application, "credentials")[0] == "unknown"


def test_an_api_that_is_not_reached_is_unknown(application):
    with_api(application, "200", "right-token")
    application.closing.close()
    found, reason = outcome(application, "credentials")
    assert found == "unknown" and "127.0.0.1 does not answer" in reason


def test_credentials_that_are_optional_or_a_hosts_are_skipped_while_none_is_set(application):
    application.settings(credentials={"kalshi": {**KALSHI, "optional": True}, "other": KALSHI})
    found, reason = outcome(application, "credentials")
    assert found == "skipped" and "kalshi: optional" in reason and "other: " in reason and "--host" in reason


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"kind": "kalshi", "url": "https://x.invalid"}, "key_id_from"),
        ({"kind": "http"}, "give url, or url_from"),
        ({"kind": "http", "url": "x", "staus": 1}, "did you mean status?"),
    ],
)
def test_a_wrong_setting_is_one_error_with_its_line(application, setting, words):
    application.settings(credentials={"api": setting})
    said = application.predeploy("credentials")
    assert said.code == 2 and words in said.text and ":1: app.predeploy.credentials.api" in said.text


# Files


def owned(application: Application, mode: int, setting: dict[str, Any]) -> None:
    (application.checkout / "service.key").write_text("key")
    (application.checkout / "service.key").chmod(mode)
    application.settings(files={"service.key": setting})


ME = pwd.getpwuid(os.getuid()).pw_name


@pytest.mark.parametrize(
    ("mode", "setting"),
    [(0o600, {}), (0o640, {"mode": "640"}), (0o400, {"mode": "0400", "owner": ME})],
)
def test_a_file_with_its_rights_passes(application, mode, setting):
    owned(application, mode, setting)
    assert outcome(application, "files") == ("pass", "files: 1 here")


@pytest.mark.parametrize(
    ("mode", "setting", "rules"),
    [
        (0o644, {}, ["file-mode"]),
        (0o400, {}, ["file-mode"]),
        (0o600, {"owner": "daemon"}, ["file-owner"]),
        (0o4600, {}, ["file-mode"]),
    ],
)
def test_a_file_with_other_rights_fails(application, mode, setting, rules):
    owned(application, mode, setting)
    assert refused(application, "files") == rules


def test_a_file_that_is_gone_fails(application):
    application.settings(files={"gone.key": {}})
    assert refused(application, "files") == ["file-missing"]


def test_the_key_file_of_a_credential_is_its_owners_alone_without_being_named(application):
    with_kalshi(application, KALSHI_PRIVATE_KEY="kalshi.key")
    path = application.checkout / "kalshi.key"
    path.write_bytes(PEM)
    path.chmod(0o640)
    said = application.predeploy("files")
    assert said.rules("files") == ["file-readable"] and "chmod 600" in said.text
    path.chmod(0o400)
    assert outcome(application, "files")[0] == "pass"


def test_a_file_of_the_host_is_named_in_plain_yaml_and_waits_for_a_host(application):
    text = "app:\n  predeploy:\n    files:\n      data/service.key: {mode: '0640', owner: deploy, at: host}\n"
    application.write("invoke.yaml", text)
    found, reason = outcome(application, "files")
    assert found == "skipped" and "--host" in reason


def test_files_that_nobody_names_are_skipped(application):
    assert outcome(application, "files")[0] == "skipped"


# Tools


def tool(application: Application, name: str, script: str) -> None:
    folder = application.folder / "bin"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)
    application.environ["PATH"] = f"{folder}:{os.environ['PATH']}"


def test_the_tools_of_the_protocol_are_told_with_their_versions(application):
    found, reason = outcome(application, "tools")
    assert found == "pass"
    for name in ("docker ", "compose ", "git ", "python "):
        assert name in reason


@pytest.mark.parametrize("oldest", ["", "1.9", "1.10", "1.10.2"])
def test_a_tool_of_the_settings_that_is_new_enough_passes(application, oldest):
    tool(application, "sops-like", "echo sops-like v1.10.2-rc1")
    application.settings(tools={"sops-like": oldest})
    found, reason = outcome(application, "tools")
    assert found == "pass" and "sops-like 1.10.2" in reason


@pytest.mark.parametrize(
    ("script", "oldest", "rule"),
    [
        ("echo v1.9.9", "1.10", "tool-old"),
        ("echo unknown", "1", "tool-old"),
        ("exit 1", "", "tool-missing"),
    ],
)
def test_a_tool_that_is_old_or_does_not_run_fails(application, script, oldest, rule):
    tool(application, "sops-like", script)
    application.settings(tools={"sops-like": oldest})
    said = application.predeploy("tools")
    assert (said.code, said.rules("tools")) == (1, [rule])


def test_a_git_that_is_too_old_fails(application):
    real = next(folder for folder in os.environ["PATH"].split(":") if Path(folder, "git").exists())
    tool(application, "git", f'[ "$1" = --version ] && echo git version 2.11.0 || exec {real}/git "$@"')
    said = application.predeploy("tools")
    assert said.rules("tools") == ["tool-old"] and "git on this machine is 2.11.0, older than 2.20" in said.text


def test_clients_of_postgresql_are_asked_for_where_the_application_has_one(application):
    application.write("compose.yaml", "services:\n  db: {image: 'postgres:17.2-bookworm'}\n")
    for name in ("psql", "pg_dump"):
        tool(application, name, f"echo {name} '(PostgreSQL) 99.1'")
    found, reason = outcome(application, "tools")
    assert found == "pass" and "psql 99.1, pg_dump 99.1" in reason


# Certificates


def certificate(*, days: float, begins: float = -1.0, name: str = "here.invalid") -> tuple[bytes, bytes]:
    """A certificate of its own making, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(timezone.utc)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=min(begins, days - 1)))
        .not_valid_after(now + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return built.public_bytes(pem), private


def held(application: Application, data: bytes, **setting: Any) -> None:
    (application.checkout / "site.pem").write_bytes(data)
    application.settings(certificates={"site": {"file": "site.pem", **setting}})


@pytest.mark.parametrize(
    ("data", "setting"),
    [
        (certificate(days=14.1)[0], {}),
        (certificate(days=2)[0], {"days": 1}),
        (certificate(days=90)[0] + certificate(days=60)[0], {}),
        (b"a comment\n" + certificate(days=30)[1] + certificate(days=30)[0], {}),
    ],
)
def test_a_certificate_with_time_left_passes(application, data, setting):
    held(application, data, **setting)
    found, reason = outcome(application, "certificates")
    assert found == "pass" and reason.startswith("valid for: site ")


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (certificate(days=13.9)[0], "certificate-expires"),
        (certificate(days=-0.1)[0], "certificate-expired"),
        (certificate(days=90)[0] + certificate(days=3)[0], "certificate-expires"),
        (certificate(days=90, begins=3)[0], "certificate-early"),
        (certificate(days=90)[1], "certificate-none"),
        (b"", "certificate-none"),
    ],
)
def test_a_certificate_that_ends_soon_or_is_none_fails(application, data, rule):
    held(application, data)
    assert refused(application, "certificates") == [rule]


def shown(application: Application, days: float) -> None:
    """A server on loopback that shows a certificate which nobody trusts."""
    data, key = certificate(days=days)
    file = application.folder / "both.pem"
    file.write_bytes(key + data)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    port = application.closing.enter_context(served(Api, context))
    application.settings(certificates={"site": {"address": "127.0.0.1", "port": port}})


def test_a_servers_certificate_is_read_as_it_shows_it(application):
    shown(application, 30)
    assert outcome(application, "certificates")[0] == "pass"


def test_a_servers_certificate_that_expired_is_read_all_the_same(application):
    shown(application, -2)
    assert refused(application, "certificates") == ["certificate-expired"]


def test_a_certificate_that_cannot_be_looked_at_is_unknown(application):
    shown(application, 30)
    application.closing.close()
    assert outcome(application, "certificates")[0] == "unknown"
    application.settings(certificates={"site": {"file": "gone.pem"}})
    found, reason = outcome(application, "certificates")
    assert found == "unknown" and "gone.pem: No such file" in reason


def test_what_fails_is_told_though_something_else_was_not_reached(application):
    held(application, certificate(days=-1)[0])
    whole = json.loads((application.app / "invoke.yaml").read_text())["app"]["predeploy"]["certificates"]
    application.settings(certificates={**whole, "gone": {"file": "gone.pem"}})
    assert refused(application, "certificates") == ["certificate-expired", "not-checked"]


def test_certificates_that_nobody_names_are_skipped(application):
    found, reason = outcome(application, "certificates")
    assert found == "skipped" and "app.predeploy.certificates" in reason


# The env, judged; with a host it is looked at in the end-to-end tests.

REQUIRED = Requirement(["compose.yaml"], required=True, may_be_empty=False)
BLANK = Requirement(["compose.yaml"], required=True, may_be_empty=True)
OPTIONAL = Requirement(["compose.yaml"])
PLANTED_ENV: list[tuple[dict[str, str], str, str]] = [
    ({}, "env-missing", ""),
    ({"A": ""}, "env-empty", ""),
    ({"A": "  "}, "env-empty", ""),
    *(({"A": value}, "env-placeholder", "") for value in ("changeme", "CHANGE_ME", "xxx", "your-key", "<a key>")),
    *(
        ({"A": value}, "env-placeholder", "")
        for value in ("TODO", "replace-me", "…", "change this!", "insert-key-here")
    ),
    *(
        ({"A": value}, "env-placeholder", "")
        for value in ("your_kalshi_api_key", "your-domain.example.com", "Your Token Here", "<DB-PASSWORD>", "<...>")
    ),
    ({"A": "x", "OTHER_TOKEN": "changeme"}, "env-placeholder", ""),
    ({"A": "x", "B_PASSWORD": "shown-to-all"}, "env-published", ""),
    ({"A": "8080x"}, "env-form", "port"),
    ({"A": "70000"}, "env-form", "port"),
    ({"A": "db:5432"}, "env-form", "url"),
    ({"A": "https://h:99999/"}, "env-form", "url"),
    ({"A": "1.5"}, "env-form", "integer"),
    ({"A": "maybe"}, "env-form", "boolean"),
    ({"A": "a952bcbe"}, "env-form", "uuid"),
    ({"A": "ops at example"}, "env-form", "email"),
    ({"A": "etc"}, "env-form", "path"),
    ({"A": "abc"}, "env-form", "[0-9]+"),
]
INNOCENT_ENV: list[tuple[dict[str, str], str]] = [
    *(
        ({"A": value}, "")
        for value in ("a=b=c", "a#b", "p@ss'w\"ord", "xx", "exchange-me-not", "example", "$ecret", "0")
    ),
    *(
        ({"A": value}, "")
        for value in ("fill_or_kill", "put_call_parity", "your-bets.example.com", "<noreply@example.org>", "<1.2.3>")
    ),
    ({"A": "x", "B_PASSWORD": "its-own"}, ""),
    ({"A": "x", "C_MODE": "same"}, ""),
    ({"A": "65535"}, "port"),
    ({"A": "redis://redis:6379/0"}, "url"),
    ({"A": "sqlite:////data/x.db"}, "url"),
    ({"A": "-3"}, "integer"),
    ({"A": ".5e3"}, "number"),
    ({"A": "TRUE"}, "boolean"),
    ({"A": KEY_ID.upper()}, "uuid"),
    ({"A": "ops+x@example.org"}, "email"),
    ({"A": "/"}, "path"),
    ({"A": "0042"}, "[0-9]+"),
]
SHOWN_TO_ALL = {"A": "", "B_PASSWORD": "shown-to-all", "C_MODE": "same"}


def judged(values: dict[str, str], form: str, wanted: Requirement) -> list[str]:
    is_form = form in ("url", "integer", "number", "boolean", "uuid", "email", "port", "path")
    setting = VariableSetting.model_validate({"form" if is_form else "pattern": form} if form else {})
    findings = list(judge(values, {"A": wanted}, {"A": setting}, SHOWN_TO_ALL))
    for finding in findings:
        assert not [value for value in values.values() if len(value) > 3 and value in finding.what + finding.do]
    return [finding.rule for finding in findings]


@pytest.mark.parametrize(("values", "rule", "form"), PLANTED_ENV)
def test_a_variable_that_will_not_do_is_found(values, rule, form):
    assert judged(values, form, REQUIRED) == [rule]


@pytest.mark.parametrize(("values", "form"), INNOCENT_ENV)
def test_a_variable_that_only_looks_odd_is_not(values, form):
    assert judged(values, form, REQUIRED) == []


def test_a_variable_that_is_optional_may_be_missing_or_empty_and_one_may_be_empty():
    assert judged({}, "", OPTIONAL) == judged({"A": ""}, "", OPTIONAL) == judged({"A": ""}, "", BLANK) == []
    assert judged({"A": ""}, "url", OPTIONAL) == []
    assert judged({}, "", BLANK) == ["env-missing"]


def test_the_env_and_the_services_are_a_hosts(application):
    said = application.predeploy("env,services")
    assert [said.check(name)["outcome"] for name in ("env", "services")] == ["skipped", "skipped"]
    assert said.text.count("--host") >= 2


def test_a_machine_that_cannot_be_reached_leaves_unknown_what_is_its_own_and_no_other_check(application):
    machine = {"name": "away1", "address": "127.0.0.1", "port": 1, "user": "nobody"}
    entry = {"machines": [machine], "env": {"files": ["away.env"]}}
    whole = json.loads((application.checkout / "invoke.yaml").read_text())
    (application.checkout / "invoke.yaml").write_text(json.dumps({**whole, "hosts": {"away": entry}}))
    (application.checkout / "away.env").touch(mode=0o600)
    application.write(".env.example", "TOKEN=\n")
    application.settings(gates={"compose": "no-worse-than-live"}, database={"service": "db"})
    said = application.predeploy("secrets,compose,env,tools,services,orphans,drift,query-time", "--host", "away")
    outcomes = {name: said.check(name)["outcome"] for name in ("secrets", "compose", "env", "tools", "services")}
    assert outcomes == dict.fromkeys(outcomes, "unknown") | {"secrets": "pass", "env": "fail"}, said.text
    assert said.rules("env") == ["env-missing", "not-checked"]
    reasons = [said.check(name)["reason"] for name in ("compose", "tools", "services", "orphans", "drift")]
    assert all("away1 (127.0.0.1:1): no SSH connection" in reason for reason in reasons), reasons
    assert said.code == 1 and "Traceback" not in said.text

    (application.checkout / "away.env").write_text("TOKEN=x7Kp-nothing-of-anybody\n")
    said = application.predeploy("secrets,env", "--host", "away")
    assert (said.code, said.check("secrets")["outcome"], said.check("env")["outcome"]) == (3, "pass", "unknown"), (
        said.text
    )


# How the application connects to its servers, as its document says; the servers are asked in the end-to-end tests.

OWN = {"POSTGRES_USER": "app", "POSTGRES_PASSWORD": "own", "POSTGRES_DB": "shop"}
CLIENTS: dict[str, tuple[dict[str, str], tuple[str, str, str, str] | None]] = {
    # what: a client's variables, and what is tried: the password's variable, user, password and database
    "in parts": (
        {"DB_HOST": "db", "DB_USER": "web", "DB_PASSWORD": "x", "DB_NAME": "y"},
        ("DB_PASSWORD", "web", "x", "y"),
    ),
    "by other names": (
        {"A_HOST": "db:5432", "A_USERNAME": "web", "A_PASS": "x", "A_DATABASE": "y"},
        ("A_PASS", "web", "x", "y"),
    ),
    "as the server's own": (
        {"POSTGRES_HOST": "db", "POSTGRES_PASSWORD": "x"},
        ("POSTGRES_PASSWORD", "app", "x", "shop"),
    ),
    "with libpq": ({"PGHOST": "db", "PGUSER": "web", "PGPASSWORD": "x"}, ("PGPASSWORD", "web", "x", "web")),
    "by an address": ({"DSN": "postgresql://web:" + "x@db/y"}, ("DSN", "web", "x", "y")),
    "to another server": ({"DB_HOST": "db2", "DB_PASSWORD": "x"}, None),
    "without a password": ({"DB_HOST": "db", "DB_USER": "web"}, None),
    "with a password in a file": (
        {"DB_HOST": "db", "DB_USER": "web", "DB_PASSWORD": "", "DB_PASSWORD_FILE": "/run/secrets/x"},
        ("DB_PASSWORD_FILE", "web", "held x", "shop"),
    ),
    "with all in files": (
        {"A_HOST": "db", "A_USER_FILE": "/u", "A_PASS_FILE": "/run/secrets/x", "A_DB_FILE": "/d"},
        ("A_PASS_FILE", "held u", "held x", "held d"),
    ),
    "with libpq and a file": (
        {"PGHOST": "db", "PGPASSWORD_FILE": "/u"},
        ("PGPASSWORD_FILE", "postgres", "held u", "postgres"),
    ),
    "by an address in a file": ({"DATABASE_URL_FILE": "/url"}, ("DATABASE_URL_FILE", "web", "x", "y")),
    "with libpq's file of passwords": (
        {"PGHOST": "db", "PGUSER": "web", "PGDATABASE": "shop", "PGPASSFILE": "/pgpass"},
        ("PGPASSFILE", "web", "a:b", "shop"),
    ),
    "with libpq's variable before its file": (
        {"PGHOST": "db", "PGUSER": "web", "PGPASSWORD": "x", "PGPASSFILE": "/gone"},
        ("PGPASSWORD", "web", "x", "web"),
    ),
    "with a file of passwords of another server": ({"PGHOST": "db2", "PGPASSFILE": "/gone"}, None),
    "with another's password": ({"DB_HOST": "db", "MAIL_PASSWORD": "x", "PASSWORD": "y"}, None),
}


class Files:
    """A machine on which ``web`` runs, with what is in its files."""

    machine = SimpleNamespace(name="prod1")
    texts: ClassVar = {"/run/secrets/x": "held x", "/u": "held u", "/d": "held d", "/tls/ca.crt": "PEM"}
    texts["/url"] = "postgresql://web:" + "x@db/y\n"
    texts["/cache"] = "rediss://redis?ssl_ca_certs=/tls/ca.crt\n"
    texts["/pgpass"] = "# host\ndb2:5432:shop:web:1\ndb:5433:shop:web:2\ndb:*:shop:web:a\\:b\n*:*:*:*:4\n"

    def ask(self, verb: str, files: dict[str, list[str]]) -> Any:
        def told(name: str, path: str) -> dict[str, str]:
            found = self.texts.get(path) if name == "web" else None
            return {"why": f"no {path} in {name}"} if found is None else {"is": found}

        assert verb == "held"
        return {"held": {name: {path: told(name, path) for path in paths} for name, paths in files.items()}}


def server(keys: dict[str, Any]) -> Service:
    return Service.decode(keys, "services.server")


def connecting(client: dict[str, str], own: dict[str, str] = OWN, **more: Any) -> Subject:
    services = {
        "db": {"image": "postgres:17", "environment": own},
        "redis": {"image": "redis:8"},
        "web": {"image": "x", "environment": client},
    }
    here = Path("/nowhere")
    places = {"top": here, "repository": here, "state": here, "checkout": here}
    document = {"services": services | more}
    whole = {
        **places,
        "machines": (HostMachine(Files(), checks_answer()),),
        "resolve": lambda: (Document.decode(document), ""),
    }
    return Subject(App("x"), PredeploySetting(), tree="", clean=True, **whole)  # type: ignore[arg-type]


@pytest.mark.parametrize("what", CLIENTS)
def test_how_a_client_connects_is_read_from_its_variables(what):
    client, tried = CLIENTS[what]
    own, *others = services._of_postgres(connecting(client), "db", server({"environment": OWN}), untold := [])
    assert own == Credentials("db (POSTGRES_PASSWORD)", "app", "own", "shop")
    assert others == ([Credentials(f"web ({tried[0]})", *tried[1:])] if tried else [])
    assert untold == []


@pytest.mark.parametrize(
    ("client", "own", "tried", "untold"),
    [
        ({"DB_HOST": "db", "DB_PASSWORD_FILE": "/gone"}, OWN, ["db (POSTGRES_PASSWORD)"], ["no /gone in web"]),
        (
            {"DB_HOST": "db", "DB_USER_FILE": "/gone", "DB_PASSWORD": "x", "PGHOST": "db", "PGPASSWORD": "y"},
            {"POSTGRES_PASSWORD_FILE": "/its"},
            ["web (PGPASSWORD)"],
            ["no /its in db", "no /gone in web"],
        ),
        (
            {"A_HOST": "db", "A_PASSWORD": "x", "B_HOST": "db", "B_USER": "b", "B_PASSWORD": "x", "B_NAME": "shop"},
            {"POSTGRES_USER_FILE": "/its", "POSTGRES_PASSWORD": "own"},
            ["web (B_PASSWORD)"],
            ["no /its in db"],
        ),
        ({"DATABASE_URL_FILE": "/gone"}, OWN, ["db (POSTGRES_PASSWORD)"], ["no /gone in web"]),
        ({"PGHOST": "db", "PGPASSFILE": "/gone"}, OWN, ["db (POSTGRES_PASSWORD)"], ["no /gone in web"]),
        (
            {"PGHOST": "db", "PGUSER": "web", "PGDATABASE": "none", "PGPORT": "5433", "PGPASSFILE": "/url"},
            OWN,
            ["db (POSTGRES_PASSWORD)"],
            ["/url of service web has no line for web at db, database none"],
        ),
    ],
)
def test_what_stands_in_a_file_that_cannot_be_read_is_no_pass_and_hides_nothing_else(client, own, tried, untold):
    told: list[str] = []
    found = list(services._of_postgres(connecting(client, own), "db", server({"environment": own}), told))
    assert [each.by for each in found] == tried
    assert [each.rpartition(": ")[2] for each in told] == untold


def test_a_oneshot_has_a_secret_of_compose_from_a_service_that_runs():
    told = {"DB_HOST": "db", "DB_PASSWORD_FILE": "/run/secrets/x"}
    for secrets, untold in ((["x"], 0), ([{"source": "x", "target": "/run/secrets/x"}], 0), (["y"], 1), ([], 1)):
        both = {"web": {"environment": told, "secrets": ["x"]}, "migrate": {"environment": told, "secrets": secrets}}
        found = list(services._of_postgres(connecting({}, **both), "db", server({"environment": OWN}), problems := []))
        assert ("migrate (DB_PASSWORD_FILE)" in found[1].by, len(problems)) == (untold == 0, untold)


@pytest.mark.parametrize(
    ("client", "tried"),
    [
        ({"REDIS_HOST": "redis", "REDIS_PASSWORD": "x"}, ("", "x")),
        ({"REDIS_HOST": "redis", "REDIS_USERNAME": "web", "REDIS_PASSWORD": "x"}, ("web", "x")),
        ({"REDIS_HOST": "redis", "REDIS_PASSWORD": ""}, ("", "")),
        ({"REDIS_HOST": "redis2", "REDIS_PASSWORD": "x"}, ("", "")),
        ({"REDIS_HOST": "redis", "REDIS_PASSWORD_FILE": "/u"}, ("", "held u")),
        ({"REDIS_HOST": "redis", "REDIS_PASSWORD_FILE": "/gone"}, None),
    ],
)
def test_a_password_of_redis_beside_its_host_is_tried(client, tried):
    found = list(services._of_redis(connecting(client), "redis", server({}), untold := []))
    assert [(each.user, each.password) for each in found] == ([tried] if tried else [])
    assert len(untold) == (tried is None)


@pytest.mark.parametrize(
    ("address", "port", "verifies", "files"),
    [
        ("redis://redis:6390/0", 6390, None, []),
        ("rediss://redis", None, True, []),
        ("rediss://redis:6380?ssl_cert_reqs=CERT_NONE", 6380, False, []),
        ("rediss://redis?skip_verify=true", None, False, []),
        ("rediss://redis?ssl_cert_reqs=required&ssl_ca_certs=/tls/ca.crt", None, True, ["/tls/ca.crt"]),
        ("REDISS://redis?ssl_ca_certs=/tls/ca.crt", None, True, ["/tls/ca.crt"]),
    ],
)
def test_how_redis_is_reached_stands_in_its_address(address, port, verifies, files):
    subject = connecting({"URL": address})
    (found,) = services._of_redis(subject, "redis", server({}), [])
    assert found.port == port
    assert (found.tls.verifies, found.tls.files) == (verifies, files) if found.tls else verifies is None
    assert on_host.files(subject, "web", files) == dict.fromkeys(files, "PEM")


def test_a_file_that_is_named_in_a_file_is_not_read_and_that_is_told():
    subject = connecting({"CACHE_URL_FILE": "/cache"})
    (found,) = services._of_redis(subject, "redis", server({}), untold := [])
    assert (found.by, untold) == ("web (CACHE_URL_FILE)", [])
    with pytest.raises(NotChecked, match=r"/tls/ca\.crt of service web could not be read on prod1: it is named by"):
        on_host.files(subject, "web", found.tls.files)


def test_redis_that_takes_nobody_but_by_tls_is_not_asked_without():
    command = ["redis-server", "--port", "0", "--tls-port", "6379", "--requirepass", "x"]
    assert list(services._of_redis(connecting({}), "redis", server({"command": command}), [])) == []
    (found,) = services._of_redis(connecting({}), "redis", server({"command": ["redis-server", "--port", "6390"]}), [])
    assert found.port == 6390


@pytest.mark.parametrize(
    "answer",
    [
        "-WRONGPASS invalid username-password pair or user is disabled.",
        "-NOAUTH Authentication required.",
        "-ERR AUTH <password> called without any password configured for the default user. Are you sure?",
        "-ERR invalid password",
    ],
)
def test_what_redis_says_of_credentials_is_a_refusal(answer):
    assert services._refusal(answer) == answer[1:]


@pytest.mark.parametrize("answer", ["-ERR max number of clients reached", "-LOADING Redis is loading", ""])
def test_what_redis_says_of_itself_is_none(answer):
    with pytest.raises(NotChecked, match="it answered"):
        services._refusal(answer)


def test_a_server_that_wants_a_certificate_and_has_closed_already_is_told_as_that(tmp_path, monkeypatch):
    for path, made in zip((tmp_path / "it.crt", tmp_path / "it.key"), certificate(days=9, name="cache"), strict=True):
        path.write_bytes(made)
    asks = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    asks.load_cert_chain(tmp_path / "it.crt", tmp_path / "it.key")
    asks.verify_mode = ssl.CERT_REQUIRED
    way = SimpleNamespace(path=tmp_path / "redis.sock")
    closed, said = threading.Event(), ssl.SSLSocket.sendall
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(way.path))
    listener.listen()

    def refuse() -> None:
        accepted, _ = listener.accept()
        with listener, accepted, contextlib.suppress(ssl.SSLError):
            asks.wrap_socket(accepted, server_side=True)
        closed.set()

    def sends_late(*sent: Any) -> None:
        assert closed.wait(10)
        said(*sent)

    monkeypatch.setattr(ssl.SSLSocket, "sendall", sends_late)
    threading.Thread(target=refuse, daemon=True).start()
    tls = services.Tls("web", "cache", (("ssl_cert_reqs", "none"),))
    with pytest.raises(NotChecked, match="ssl_certfile in the address would say"):
        services._ping(way, Credentials("web (CACHE)", tls=tls), {})


CASES: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "credentials": (
        test_what_kalshi_would_refuse_fails_and_says_whether_the_clock_is_off,
        test_a_key_in_one_line_or_in_a_file_is_a_key_too,
    ),
    "files": (test_a_file_with_other_rights_fails, test_a_file_with_its_rights_passes),
    "tools": (
        test_a_tool_that_is_old_or_does_not_run_fails,
        test_a_tool_of_the_settings_that_is_new_enough_passes,
    ),
    "certificates": (
        test_a_certificate_that_ends_soon_or_is_none_fails,
        test_a_certificate_with_time_left_passes,
    ),
}
