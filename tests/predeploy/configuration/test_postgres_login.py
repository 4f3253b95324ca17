"""How services log in to PostgreSQL, as their variables and their files say.

The end-to-end tests log in to a real server.
"""

from __future__ import annotations

import pytest

from switchyard.predeploy.configuration import postgres_login
from switchyard.predeploy.configuration.logins import Login
from tests.harness.predeploy_logins import IMAGE_VARIABLES, clients_of, service

CLIENTS: dict[str, tuple[dict[str, str], tuple[str, str, str, str] | None]] = {
    # how: a client's variables, and what is tried: the password's variable, user, password and database
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


@pytest.mark.parametrize("how", CLIENTS)
def test_the_variables_of_a_client_tell_its_login(how):
    variables, login = CLIENTS[how]
    clients = clients_of(variables)
    own, *others = postgres_login.logins(clients, "db", service(environment=IMAGE_VARIABLES))
    assert own == Login("db (POSTGRES_PASSWORD)", "app", "own", "shop")
    assert others == ([Login(f"web ({login[0]})", *login[1:])] if login else [])
    assert clients.problems == []


@pytest.mark.parametrize(
    ("variables", "image_variables", "tried", "problems"),
    [
        (
            {"DB_HOST": "db", "DB_PASSWORD_FILE": "/gone"},
            IMAGE_VARIABLES,
            ["db (POSTGRES_PASSWORD)"],
            ["no /gone in web"],
        ),
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
        ({"DATABASE_URL_FILE": "/gone"}, IMAGE_VARIABLES, ["db (POSTGRES_PASSWORD)"], ["no /gone in web"]),
        ({"PGHOST": "db", "PGPASSFILE": "/gone"}, IMAGE_VARIABLES, ["db (POSTGRES_PASSWORD)"], ["no /gone in web"]),
        (
            {"PGHOST": "db", "PGUSER": "web", "PGDATABASE": "none", "PGPORT": "5433", "PGPASSFILE": "/url"},
            IMAGE_VARIABLES,
            ["db (POSTGRES_PASSWORD)"],
            ["/url of service web has no line for web at db, database none"],
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_a_problem_and_hides_no_other_login(variables, image_variables, tried, problems):
    clients = clients_of(variables, image_variables)
    logins = list(postgres_login.logins(clients, "db", service(environment=image_variables)))
    assert [login.used_by for login in logins] == tried
    assert [problem.rpartition(": ")[2] for problem in clients.problems] == problems


def test_a_oneshot_gets_the_text_of_a_compose_secret_from_a_service_that_runs():
    variables = {"DB_HOST": "db", "DB_PASSWORD_FILE": "/run/secrets/x"}
    for secrets, problems in ((["x"], 0), ([{"source": "x", "target": "/run/secrets/x"}], 0), (["y"], 1), ([], 1)):
        both = {
            "web": {"environment": variables, "secrets": ["x"]},
            "migrate": {"environment": variables, "secrets": secrets},
        }
        clients = clients_of({}, **both)
        logins = list(postgres_login.logins(clients, "db", service(environment=IMAGE_VARIABLES)))
        assert ("migrate (DB_PASSWORD_FILE)" in logins[1].used_by, len(clients.problems)) == (problems == 0, problems)
