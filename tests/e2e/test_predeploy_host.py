"""The checks of a real host's configuration: its env, its PostgreSQL and Redis, its files and its tools."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.harness.site import Site, clear, require_formats


class Checked:
    """A run of ``inv predeploy --host``: its exit code, its output and its report."""

    def __init__(self, site: Site, only: str) -> None:
        report = site.checkout / "report.json"
        process = site.inv("predeploy", "--only", only, f"--json={report}")
        assert report.exists(), process.stdout
        self.code, self.text = process.returncode, process.stdout
        self.checks = {check["name"]: check for check in json.loads(report.read_text())["checks"]}
        report.unlink()
        assert "Traceback" not in self.text

    def outcome(self, name: str) -> str:
        return self.checks[name]["outcome"]

    def reason(self, name: str) -> str:
        return self.checks[name]["reason"]

    def errors(self, name: str) -> list[tuple[str, str]]:
        """Return rule and place of each error of a check."""
        findings = self.checks[name]["findings"]
        return [(finding["rule"], finding["place"]) for finding in findings if finding["severity"] == "error"]


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


def require_variables(site: Site) -> None:
    """Set what the application, its example file and the settings require of the env."""
    site.rewrite("      BREAK:", "      SECRET: ${SECRET:?}\n      EMPTY: ${EMPTY}\n      BREAK:")
    (site.app / ".env.example").write_text("# OPTIONAL=\nAPI_TOKEN=shown-to-everybody\nWORKERS=\nNOTE=\nBREAK=\n")
    predeploy(site, env={"required": ["EXTRA"], "optional": ["NOTE"], "forms": {"WORKERS": {"form": "integer"}}})
    site.commit("1")


def test_an_env_with_missing_or_published_values_fails_before_the_first_deploy(site):
    require_variables(site)
    write_env(site, "EMPTY=\nAPI_TOKEN=shown-to-everybody\nWORKERS=many\nNOTE=\n")
    run = Checked(site, "env,services")
    assert run.code == 1
    assert sorted(run.errors("env")) == [
        ("env-form", "WORKERS"),
        ("env-missing", "EXTRA"),
        ("env-missing", "SECRET"),
        ("env-published", "API_TOKEN"),
    ]
    assert "shown-to-everybody" not in run.text
    assert run.outcome("services") == "skipped"


def test_an_env_with_every_required_value_passes_whatever_the_values_look_like(site):
    require_variables(site)
    write_env(site, "EMPTY=\nAPI_TOKEN='a=b#c$d'\nWORKERS=4\nNOTE=\nEXTRA=1 # said\nSECRET=a=b\n")
    run = Checked(site, "env,tools,files,secrets,compose")
    assert (run.code, run.outcome("env")) == (0, "pass"), run.text
    assert "prod1 docker " in run.reason("tools")
    assert run.reason("files") == "files: 2 here"

    (site.app / "notes.md").write_text("the token of the host is a=b#c$d\n")
    site.git("add", "--all")
    (site.checkout / "prod.env").chmod(0o644)
    run = Checked(site, "files,secrets")
    assert run.errors("secrets") == [], "seven characters are too few to be distinguished from a word"
    assert run.errors("files") == [("file-readable", str(site.checkout / "prod.env"))]

    write_env(site, (site.checkout / "prod.env").read_text().replace("a=b#c$d", "a=b#c$d-5521"))
    (site.app / "notes.md").write_text("\nthe token of the host is a=b#c$d-5521\n")
    run = Checked(site, "secrets")
    assert run.errors("secrets") == [("env-value", "notes.md")] and "5521" not in run.text


def test_without_a_compose_file_the_env_is_unknown(site):
    (site.app / "compose.yaml").unlink()
    run = Checked(site, "env,compose")
    assert run.code == 3
    assert {run.outcome(name) for name in ("env", "compose")} == {"unknown"}


@pytest.fixture(scope="module")
def served(tmp_path_factory, sandbox_host) -> Iterator[Site]:
    """Yield a site with a live release; each test begins with an env that fits."""
    live = Site(tmp_path_factory.mktemp("served"), *sandbox_host)
    with_servers(live)
    live.settings(healthy_within=60)
    live.commit("1")
    live.receipt("deploy", "--skip", "database", "--reason", "it has no migrations")
    root = f"/home/deploy/apps/{live.name}"
    live.run("mkdir", "-p", f"{root}/data")
    live.run("sh", "-c", f"install -o deploy -m 640 /dev/null {root}/data/service.key")
    predeploy(live, files={"data/service.key": {"mode": "0640", "owner": "deploy", "at": "host"}})
    yield live
    try:
        require_formats(live)
    finally:
        clear(live)


def test_postgresql_and_redis_answer_with_the_credentials_that_ship(served):
    listening = served.run("cat", "/proc/net/tcp", "/proc/net/tcp6").count(" 0A ")
    run = Checked(served, "services,files,env")
    assert run.code == 0, run.text
    assert "db (PostgreSQL " in run.reason("services") and "redis (Redis) answers" in run.reason("services")
    assert "web (DB_PASSWORD), web (PGPASSWORD)" in run.reason("services")
    assert "web (REDIS_URL)" in run.reason("services")
    assert run.reason("files") == "files: 2 here, 1 on prod1"
    assert served.run("cat", "/proc/net/tcp", "/proc/net/tcp6").count(" 0A ") == listening, (
        "the check publishes no port"
    )


def test_credentials_that_a_server_refuses_and_servers_that_do_not_answer_are_reported(served):
    served.run("chmod", "644", f"/home/deploy/apps/{served.name}/data/service.key")
    write_env(served, RIGHT.replace("DB_PASSWORD=not-guessed", "DB_PASSWORD=another-one"))
    run = Checked(served, "services,files")
    assert "db refuses the credentials of web (DB_PASSWORD)" in run.text
    assert run.code == 1
    assert run.errors("services") == [("service-refuses", "db")]
    assert run.errors("files") == [("file-mode", "prod1:data/service.key")]
    assert "another-one" not in run.text

    write_env(served, "ANOTHER=1\nDB_PASSWORD=not-guessed\n")
    run = Checked(served, "env,services")
    assert run.errors("env") == [("env-missing", "POSTGRES_PASSWORD"), ("env-lost", "POSTGRES_PASSWORD")]
    assert run.outcome("services") == "unknown"

    write_env(served, RIGHT)
    served.rewrite("//redis:6379/0", "//:not-its-own@redis:6379/0")
    run = Checked(served, "services")
    assert run.errors("services") == [("service-refuses", "redis")] and "not-its-own" not in run.text
    served.rewrite("//:not-its-own@redis:6379/0", "//redis:6379/0")

    (redis,) = served.docker("ps", "--quiet", "--filter", f"name={served.name}-shared-redis-").split()
    process = served.docker("inspect", "--format", "{{.State.Pid}}", redis)
    served.run("kill", "-STOP", process)
    try:
        run = Checked(served, "services")
    finally:
        served.run("kill", "-CONT", process)
    assert (run.code, run.outcome("services")) == (3, "unknown"), (
        "without an answer the credentials may be right or wrong"
    )
    served.docker("stop", redis)
    try:
        run = Checked(served, "services")
    finally:
        served.docker("start", redis)
    assert run.outcome("services") == "pass", "a deploy starts it"
    served.run("chmod", "640", f"/home/deploy/apps/{served.name}/data/service.key")


def test_the_checks_of_a_machine_run_for_each_machine_of_a_host(site, second_host):
    other, state = second_host

    def psql(container: str, text: str) -> None:
        inside = ["docker", "exec", container, "docker"]
        command = [*inside, "ps", "--quiet", "--filter", f"name={site.name}-shared-db-"]
        db = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
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
    run = Checked(site, "schema,services,tools,files")
    assert run.code == 1
    assert [each["what"] for each in run.checks["schema"]["findings"]] == ["prod2: no primary key"]
    assert re.fullmatch(r"prod1: pass: 1 table, .*; prod2: 1 table, .*", run.reason("schema"))
    assert re.fullmatch(r"prod1: db \(PostgreSQL .*; prod2: db \(PostgreSQL .*", run.reason("services"))
    assert "prod1 docker " in run.reason("tools") and "prod2 docker " in run.reason("tools")
    assert run.errors("files") == [("file-missing", "prod2:data/service.key")]

    psql(other.container, "ALTER ROLE app PASSWORD 'of-its-own'")
    run = Checked(site, "schema,services")
    refusals = [(each["place"], each["what"].split(" refuses ")[0]) for each in run.checks["services"]["findings"]]
    assert (run.code, refusals) == (1, [("db", "prod2: db")])
    assert run.outcome("schema") == "unknown" and "prod2: unknown: " not in run.reason("schema")
    assert re.fullmatch(r"prod1: pass: .*; prod2: .*cannot connect.*", run.reason("schema"))
    site.commit("1 again")  # of the commit that is live, nothing would ship and nothing be checked
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


def test_credentials_in_files_and_a_redis_with_tls_are_checked_too(site):
    trusting = "rediss://cache:6380/0?ssl_ca_certs=/tls/it.crt"
    data = f"/home/deploy/apps/{site.name}/data"
    site.run("mkdir", "-p", f"{data}/tls")
    # PostgreSQL's image keeps the blanks at both ends of a file.
    for name, value in (("password", "' not-guessed '"), ("user", "keeper"), ("name", "shop")):
        site.run("sh", "-c", f"echo {value} > {data}/{name}")
    for name, subject in (("it", "cache"), ("other", "elsewhere")):
        create = f"openssl req -new -x509 -nodes -subj /CN={subject} -addext subjectAltName=DNS:{subject}"
        site.run("sh", "-c", f"cd {data}/tls && {create} -keyout {name}.key -out {name}.crt && chmod 644 *")
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
    run = Checked(site, "services,schema")
    assert run.code == 0, run.text
    assert "answers db (POSTGRES_PASSWORD_FILE), web (DB_PASSWORD_FILE)" in run.reason("services")
    assert "cache (Redis) answers web (CACHE)" in run.reason("services")
    assert "1 table" in run.reason("schema")

    site.run("sh", "-c", f"echo another-one > {data}/password")
    run = Checked(site, "services,schema")
    assert run.errors("services") == [("service-refuses", "db")] and "another-one" not in run.text
    assert run.outcome("schema") == "unknown"
    site.rewrite("DB_PASSWORD_FILE: /run/secrets/password", "DB_PASSWORD_FILE: /run/secrets/other")
    run = Checked(site, "services")
    assert run.errors("services") == [("service-refuses", "db"), ("not-checked", "")], (
        "a file that cannot be read hides no refusal"
    )
    site.run("sh", "-c", f"echo ' not-guessed ' > {data}/password")
    run = Checked(site, "services")
    assert run.outcome("services") == "unknown" and "db: /run/secrets/other of service web could not be" in run.text
    site.rewrite("DB_PASSWORD_FILE: /run/secrets/other", "DB_PASSWORD_FILE: /run/secrets/password")

    hba = "/var/lib/postgresql/data/pg_hba.conf"
    site.docker("exec", db, "sed", "-i", "s/^host all all all/hostssl all all all/", hba)
    site.docker("exec", db, "psql", "-U", "keeper", "shop", "-qc", "SELECT pg_reload_conf()")
    run = Checked(site, "services")
    assert run.outcome("services") == "unknown" and "db: it does not take keeper without TLS" in run.text, run.text
    site.docker("exec", db, "sed", "-i", "s/^hostssl all all all/host all all all/", hba)
    site.docker("exec", db, "psql", "-U", "keeper", "shop", "-qc", "SELECT pg_reload_conf()")

    current = trusting
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
        site.rewrite(current, address)
        current = address
        run = Checked(site, "services")
        assert (run.outcome("services"), words in run.text) == (outcome, True), run.text
    site.rewrite(current, trusting)
    (cache,) = site.docker("ps", "--quiet", "--filter", f"name={site.name}-shared-cache-").split()
    require = ["redis-cli", "--tls", "--insecure", "-p", "6380", "config", "set", "tls-auth-clients", "yes"]
    site.docker("exec", cache, *require)
    run = Checked(site, "services")
    assert run.outcome("services") == "unknown" and "ssl_certfile in the address would say" in run.text, run.text
    for name, outcome in (("it", "pass"), ("other", "fail")):
        presenting = f"{trusting}&ssl_certfile=/tls/{name}.crt&ssl_keyfile=/tls/{name}.key"
        site.rewrite(trusting, presenting)
        run = Checked(site, "services")
        site.rewrite(presenting, trusting)
        assert run.outcome("services") == outcome, run.text


CASES: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "env": (
        test_an_env_with_missing_or_published_values_fails_before_the_first_deploy,
        test_an_env_with_every_required_value_passes_whatever_the_values_look_like,
    ),
    "services": (
        test_credentials_that_a_server_refuses_and_servers_that_do_not_answer_are_reported,
        test_postgresql_and_redis_answer_with_the_credentials_that_ship,
    ),
}
