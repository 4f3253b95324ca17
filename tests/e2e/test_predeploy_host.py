"""The configuration of a real host: its env, its PostgreSQL and Redis, its files and tools."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.harness.site import Site, clear, require_formats


class Checked:
    """The result of ``inv predeploy --host``."""

    def __init__(self, site: Site, only: str) -> None:
        told = site.checkout / "told.json"
        done = site.inv("predeploy", "--only", only, f"--json={told}")
        assert told.exists(), done.stdout
        self.code, self.text = done.returncode, done.stdout
        self.checks = {each["name"]: each for each in json.loads(told.read_text())["checks"]}
        told.unlink()
        assert "Traceback" not in self.text

    def outcome(self, name: str) -> str:
        return self.checks[name]["outcome"]

    def reason(self, name: str) -> str:
        return self.checks[name]["reason"]

    def found(self, name: str) -> list[tuple[str, str]]:
        return [(each["rule"], each["place"]) for each in self.checks[name]["findings"] if each["severity"] == "error"]


SERVERS = """\
  db:
    image: postgres:17
    environment: {POSTGRES_USER: app, POSTGRES_PASSWORD: "${POSTGRES_PASSWORD:?}"}
    volumes: ["pgdata:/var/lib/postgresql/data"]
    healthcheck: {test: [CMD, pg_isready, -h, 127.0.0.1, -U, app], interval: 2s}
  redis:
    image: redis:8
    healthcheck: {test: [CMD, redis-cli, ping], interval: 2s}
volumes: {pgdata: {}}
"""
CLIENT = """\
      PGHOST: db
      PGUSER: app
      PGPASSWORD: ${POSTGRES_PASSWORD:?}
      DB_HOST: db
      DB_USER: app
      DB_PASSWORD: ${DB_PASSWORD:?}
      REDIS_URL: redis://redis:6379/0
"""
RIGHT = "POSTGRES_PASSWORD=not-guessed\nDB_PASSWORD=not-guessed\n"


def with_servers(site: Site) -> None:
    """Add a PostgreSQL and a Redis to which the application connects."""
    site.rewrite("      BREAK:", f"{CLIENT}      BREAK:")
    compose = site.app / "compose.yaml"
    compose.write_text(compose.read_text() + SERVERS)
    write_env(site, RIGHT)


def write_env(site: Site, text: str) -> None:
    (site.checkout / "prod.env").write_text(text)


def predeploy(site: Site, **setting: Any) -> None:
    """Set ``app.predeploy`` of the checkout, which wins over the application's."""
    path = site.checkout / "invoke.yaml"
    whole = json.loads(path.read_text())
    whole["app"]["predeploy"] = setting
    path.write_text(json.dumps(whole))


def wants(site: Site) -> None:
    """Set what the application, its example file and the settings require of the env."""
    site.rewrite("      BREAK:", "      SECRET: ${SECRET:?}\n      EMPTY: ${EMPTY}\n      BREAK:")
    (site.app / ".env.example").write_text("# OPTIONAL=\nAPI_TOKEN=shown-to-everybody\nWORKERS=\nNOTE=\nBREAK=\n")
    predeploy(site, env={"required": ["EXTRA"], "optional": ["NOTE"], "forms": {"WORKERS": {"form": "integer"}}})
    site.commit("1")


def test_an_env_that_misses_or_only_stands_for_something_fails_before_the_first_deploy(site):
    wants(site)
    write_env(site, "EMPTY=\nAPI_TOKEN=shown-to-everybody\nWORKERS=many\nNOTE=\n")
    said = Checked(site, "env,services")
    assert said.code == 1
    assert sorted(said.found("env")) == [
        ("env-form", "WORKERS"),
        ("env-missing", "EXTRA"),
        ("env-missing", "SECRET"),
        ("env-published", "API_TOKEN"),
    ]
    assert "shown-to-everybody" not in said.text
    assert said.outcome("services") == "skipped"


def test_an_env_that_has_what_is_asked_passes_whatever_its_values_look_like(site):
    wants(site)
    write_env(site, "EMPTY=\nAPI_TOKEN='a=b#c$d'\nWORKERS=4\nNOTE=\nEXTRA=1 # said\nSECRET=a=b\n")
    said = Checked(site, "env,tools,files,secrets,compose")
    assert (said.code, said.outcome("env")) == (0, "pass"), said.text
    assert "prod1 docker " in said.reason("tools")
    assert said.reason("files") == "files: 2 here"

    (site.app / "notes.md").write_text("the token of the host is a=b#c$d\n")
    site.git("add", "--all")
    (site.checkout / "prod.env").chmod(0o644)
    said = Checked(site, "files,secrets")
    assert said.found("secrets") == [], "seven characters are too few to be told from a word"
    assert said.found("files") == [("file-readable", str(site.checkout / "prod.env"))]

    write_env(site, (site.checkout / "prod.env").read_text().replace("a=b#c$d", "a=b#c$d-5521"))
    (site.app / "notes.md").write_text("\nthe token of the host is a=b#c$d-5521\n")
    said = Checked(site, "secrets")
    assert said.found("secrets") == [("env-value", "notes.md")] and "5521" not in said.text


def test_a_document_that_is_gone_leaves_the_env_unknown(site):
    (site.app / "compose.yaml").unlink()
    said = Checked(site, "env,compose")
    assert said.code == 3
    assert {said.outcome(name) for name in ("env", "compose")} == {"unknown"}


@pytest.fixture(scope="module")
def served(tmp_path_factory, sandbox_host) -> Iterator[Site]:
    """Yield a site with a live release; each test begins with an env that fits."""
    made = Site(tmp_path_factory.mktemp("served"), *sandbox_host)
    with_servers(made)
    made.settings(healthy_within=60)
    made.commit("1")
    made.receipt("deploy", "--skip", "database", "--reason", "it has no migrations")
    root = f"/home/deploy/apps/{made.name}"
    made.run("mkdir", "-p", f"{root}/data")
    made.run("sh", "-c", f"install -o deploy -m 640 /dev/null {root}/data/service.key")
    predeploy(made, files={"data/service.key": {"mode": "0640", "owner": "deploy", "at": "host"}})
    yield made
    try:
        require_formats(made)
    finally:
        clear(made)


def test_postgresql_and_redis_answer_with_the_credentials_that_ship(served):
    listening = served.run("cat", "/proc/net/tcp", "/proc/net/tcp6").count(" 0A ")
    said = Checked(served, "services,files,env")
    assert said.code == 0, said.text
    assert "db (PostgreSQL " in said.reason("services") and "redis (Redis) answers" in said.reason("services")
    assert "web (DB_PASSWORD), web (PGPASSWORD)" in said.reason("services")
    assert "web (REDIS_URL)" in said.reason("services")
    assert said.reason("files") == "files: 2 here, 1 on prod1"
    assert served.run("cat", "/proc/net/tcp", "/proc/net/tcp6").count(" 0A ") == listening, "no port is published"


def test_postgresql_and_redis_refuse_what_else_ships_and_are_told_where_they_do_not_answer(served):
    served.run("chmod", "644", f"/home/deploy/apps/{served.name}/data/service.key")
    write_env(served, RIGHT.replace("DB_PASSWORD=not-guessed", "DB_PASSWORD=another-one"))
    said = Checked(served, "services,files")
    assert "db refuses the credentials of web (DB_PASSWORD)" in said.text
    assert said.code == 1
    assert said.found("services") == [("service-refuses", "db")]
    assert said.found("files") == [("file-mode", "prod1:data/service.key")]
    assert "another-one" not in said.text

    write_env(served, "ANOTHER=1\nDB_PASSWORD=not-guessed\n")
    said = Checked(served, "env,services")
    assert said.found("env") == [("env-missing", "POSTGRES_PASSWORD"), ("env-lost", "POSTGRES_PASSWORD")]
    assert said.outcome("services") == "unknown"

    write_env(served, RIGHT)
    served.rewrite("//redis:6379/0", "//:not-its-own@redis:6379/0")
    said = Checked(served, "services")
    assert said.found("services") == [("service-refuses", "redis")] and "not-its-own" not in said.text
    served.rewrite("//:not-its-own@redis:6379/0", "//redis:6379/0")

    (redis,) = served.docker("ps", "--quiet", "--filter", f"name={served.name}-shared-redis-").split()
    process = served.docker("inspect", "--format", "{{.State.Pid}}", redis)
    served.run("kill", "-STOP", process)
    try:
        said = Checked(served, "services")
    finally:
        served.run("kill", "-CONT", process)
    assert (said.code, said.outcome("services")) == (3, "unknown"), "what does not answer may be right or wrong"
    served.docker("stop", redis)
    try:
        said = Checked(served, "services")
    finally:
        served.docker("start", redis)
    assert (said.code, said.found("services")) == (1, [("service-stopped", "redis")])
    served.run("chmod", "640", f"/home/deploy/apps/{served.name}/data/service.key")


def test_each_machine_of_a_host_is_looked_at_for_what_is_its_own(site, second_host):
    other, state = second_host

    def psql(container: str, text: str) -> None:
        inside = ["docker", "exec", container, "docker"]
        asked = [*inside, "ps", "--quiet", "--filter", f"name={site.name}-shared-db-"]
        db = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
        subprocess.run([*inside, "exec", db, "psql", "-U", "app", "-v", "ON_ERROR_STOP=1", "-qc", text], check=True)

    with_servers(site)
    site.settings(healthy_within=60)
    site.join("prod2", other, state)
    site.commit("1")
    site.receipt("deploy", "--skip", "database", "--reason", "it has no migrations")
    psql(site.host.container, "CREATE TABLE t (id int PRIMARY KEY)")
    psql(other.container, "CREATE TABLE t (id int)")
    predeploy(site, database={}, files={"data/service.key": {"at": "host"}})
    site.run("sh", "-c", f"install -D -o deploy -m 600 /dev/null /home/deploy/apps/{site.name}/data/service.key")
    said = Checked(site, "schema,services,tools,files")
    assert said.code == 1
    assert [each["what"] for each in said.checks["schema"]["findings"]] == ["prod2: no primary key"]
    assert re.fullmatch(r"prod1: pass: 1 table, .*; prod2: 1 table, .*", said.reason("schema"))
    assert re.fullmatch(r"prod1: db \(PostgreSQL .*; prod2: db \(PostgreSQL .*", said.reason("services"))
    assert "prod1 docker " in said.reason("tools") and "prod2 docker " in said.reason("tools")
    assert said.found("files") == [("file-missing", "prod2:data/service.key")]

    psql(other.container, "ALTER ROLE app PASSWORD 'of-its-own'")
    said = Checked(site, "schema,services")
    told = [(each["place"], each["what"].split(" refuses ")[0]) for each in said.checks["services"]["findings"]]
    assert (said.code, told) == (1, [("db", "prod2: db")])
    assert said.outcome("schema") == "unknown" and "prod2: unknown: " not in said.reason("schema")
    assert re.fullmatch(r"prod1: pass: .*; prod2: .*no connection.*", said.reason("schema"))
    refused = site.inv("deploy")
    assert refused.returncode == 1 and "prod2: db refuses" in refused.stdout, refused.stdout

    psql(other.container, "ALTER ROLE app PASSWORD 'not-guessed'; ALTER TABLE t ADD PRIMARY KEY (id)")
    predeploy(site, database={}, files={"/etc/hostname": {"at": "host", "mode": "0644"}})
    site.commit("2")
    machines = site.receipt("deploy")["hosts"]
    assert [each["executions"] <= 5 for each in machines] == [True, True], machines


IN_FILES = """\
  db:
    image: postgres:17
    environment:
      POSTGRES_USER_FILE: /run/secrets/user
      POSTGRES_PASSWORD_FILE: /run/secrets/password
      POSTGRES_DB_FILE: /run/secrets/name
    secrets: [user, password, name]
    volumes: ["pgdata:/var/lib/postgresql/data"]
    healthcheck: {test: [CMD, pg_isready, -h, 127.0.0.1], interval: 2s}
  cache:
    image: redis:8
    command: [redis-server, --port, "0", --tls-port, "6380", --tls-cert-file, /tls/it.crt, --tls-key-file, /tls/it.key,
              --tls-ca-cert-file, /tls/it.crt, --tls-auth-clients, "no"]
    volumes: ["./tls:/tls:ro"]
    healthcheck: {test: [CMD, redis-cli, --tls, --insecure, -p, "6380", ping], interval: 2s}
secrets: {user: {file: ./secret/user}, password: {file: ./secret/password}, name: {file: ./secret/name}}
volumes: {pgdata: {}}
"""


def test_what_stands_in_files_and_what_answers_by_tls_is_looked_at_too(site):
    trusting = "rediss://cache:6380/0?ssl_ca_certs=/tls/it.crt"
    data = f"/home/deploy/apps/{site.name}/data"
    site.run("mkdir", "-p", f"{data}/tls")
    # PostgreSQL's image takes a file with the blanks at its ends.
    for name, value in (("password", "' not-guessed '"), ("user", "keeper"), ("name", "shop")):
        site.run("sh", "-c", f"echo {value} > {data}/{name}")
    for name, subject in (("it", "cache"), ("other", "elsewhere")):
        made = f"openssl req -new -x509 -nodes -subj /CN={subject} -addext subjectAltName=DNS:{subject}"
        site.run("sh", "-c", f"cd {data}/tls && {made} -keyout {name}.key -out {name}.crt && chmod 644 *")
    site.run("chown", "-R", "deploy", f"/home/deploy/apps/{site.name}")
    mount = f'      CACHE: "{trusting}"\n      DB_HOST: db\n      DB_PASSWORD_FILE: /run/secrets/password\n'
    site.rewrite("      BREAK:", f"{mount}      BREAK:")
    site.rewrite("    ports:\n", '    volumes: ["./tls:/tls:ro"]\n    secrets: [password]\n    ports:\n')
    (site.app / "compose.yaml").write_text((site.app / "compose.yaml").read_text() + IN_FILES)
    untracked = ("tls", *(f"secret/{name}" for name in ("user", "password", "name")))
    site.settings(healthy_within=60, data={f"./{name}": "data" for name in untracked})
    site.commit("1")
    site.receipt("deploy", "--skip", "database", "--reason", "it has no migrations")
    (db,) = site.docker("ps", "--quiet", "--filter", f"name={site.name}-shared-db-").split()
    site.docker("exec", db, "psql", "-U", "keeper", "shop", "-qc", "CREATE TABLE t (id int PRIMARY KEY)")
    predeploy(site, database={})
    said = Checked(site, "services,schema")
    assert said.code == 0, said.text
    assert "answers db (POSTGRES_PASSWORD_FILE), web (DB_PASSWORD_FILE)" in said.reason("services")
    assert "cache (Redis) answers web (CACHE)" in said.reason("services")
    assert "1 table" in said.reason("schema")

    site.run("sh", "-c", f"echo another-one > {data}/password")
    said = Checked(site, "services,schema")
    assert said.found("services") == [("service-refuses", "db")] and "another-one" not in said.text
    assert said.outcome("schema") == "unknown"
    site.rewrite("DB_PASSWORD_FILE: /run/secrets/password", "DB_PASSWORD_FILE: /run/secrets/other")
    said = Checked(site, "services")
    assert said.found("services") == [("service-refuses", "db"), ("not-checked", "")], "one unknown hides no refusal"
    site.run("sh", "-c", f"echo ' not-guessed ' > {data}/password")
    said = Checked(site, "services")
    assert said.outcome("services") == "unknown" and "db: /run/secrets/other of service web could not be" in said.text
    site.rewrite("DB_PASSWORD_FILE: /run/secrets/other", "DB_PASSWORD_FILE: /run/secrets/password")

    hba = "/var/lib/postgresql/data/pg_hba.conf"
    site.docker("exec", db, "sed", "-i", "s/^host all all all/hostssl all all all/", hba)
    site.docker("exec", db, "psql", "-U", "keeper", "shop", "-qc", "SELECT pg_reload_conf()")
    said = Checked(site, "services")
    assert said.outcome("services") == "unknown" and "db: it does not take keeper without TLS" in said.text, said.text
    site.docker("exec", db, "sed", "-i", "s/^hostssl all all all/host all all all/", hba)
    site.docker("exec", db, "psql", "-U", "keeper", "shop", "-qc", "SELECT pg_reload_conf()")

    was = trusting
    for address, outcome, words in (
        (trusting.replace("it.crt", "other.crt"), "fail", "not trusted: self-signed certificate"),
        ("rediss://cache:6380/0", "unknown", "ssl_ca_certs in the address would say what the client has"),
        ("rediss://cache:6380/0?ssl_cert_reqs=none", "pass", "cache (Redis) answers web (CACHE)"),
        (trusting.replace("//", "//:not-its-own@"), "fail", "AUTH"),
        (f"{trusting}&ssl_secret=1", "unknown", "what ssl_secret asks of TLS is not known here"),
        (
            trusting.replace("//", "//:not-its-own@") + f'"\n      BESIDE: "{trusting}&ssl_secret=1',
            "fail",
            "could not be looked at: cache: what ssl_secret asks of TLS is not known here",
        ),
        (trusting.replace("it.crt", "gone.crt"), "unknown", "/tls/gone.crt of service web could not be read on prod1"),
    ):
        site.rewrite(was, address)
        was = address
        said = Checked(site, "services")
        assert (said.outcome("services"), words in said.text) == (outcome, True), said.text
    site.rewrite(was, trusting)
    (cache,) = site.docker("ps", "--quiet", "--filter", f"name={site.name}-shared-cache-").split()
    asked = ["redis-cli", "--tls", "--insecure", "-p", "6380", "config", "set", "tls-auth-clients", "yes"]
    site.docker("exec", cache, *asked)
    said = Checked(site, "services")
    assert said.outcome("services") == "unknown" and "ssl_certfile in the address would say" in said.text, said.text
    for name, outcome in (("it", "pass"), ("other", "fail")):
        shows = f"{trusting}&ssl_certfile=/tls/{name}.crt&ssl_keyfile=/tls/{name}.key"
        site.rewrite(trusting, shows)
        said = Checked(site, "services")
        site.rewrite(shows, trusting)
        assert said.outcome("services") == outcome, said.text


CASES: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "env": (
        test_an_env_that_misses_or_only_stands_for_something_fails_before_the_first_deploy,
        test_an_env_that_has_what_is_asked_passes_whatever_its_values_look_like,
    ),
    "services": (
        test_postgresql_and_redis_refuse_what_else_ships_and_are_told_where_they_do_not_answer,
        test_postgresql_and_redis_answer_with_the_credentials_that_ship,
    ),
}
