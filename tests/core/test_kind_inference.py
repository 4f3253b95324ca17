"""Each service gets a kind with a reason, or its owner is asked for it with the line to add."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from switchyard.core.app import App
from switchyard.core.compose_document import Document
from switchyard.core.dockerfile import recipe
from switchyard.core.kind_inference import infer
from switchyard.core.state_keeping import ImageFacts
from tests.harness.shop_documents import DOCUMENT, KINDS, problems, split_shop


def test_every_kind_has_the_reason_it_was_given_for():
    parts = {name: (kind.kind, kind.reason) for name, kind in split_shop().kinds.items()}
    assert parts == {
        "db": ("shared", "its image postgres keeps state"),
        "migrate": ("oneshot", "another service waits for it to complete successfully"),
        "api": ("routed", "it publishes a port"),
        "web": ("routed", "it publishes a port"),
        "worker": ("handover", "the settings say so"),
    }


def test_waiting_for_the_start_of_a_service_makes_no_oneshot_of_it():
    change = {"api": {"depends_on": {"migrate": {"condition": "service_started"}}}}
    words = problems(change)
    assert "migrate: oneshot   # its restart is on-failure, so it runs once per release" in words
    assert "or handover: at most one runs" in words


def test_a_worker_without_a_kind_is_asked_for_with_the_line_to_add():
    words = problems(kinds={})
    assert "service worker" in words
    assert "\n  app:\n    kinds:\n      worker: handover" in words


def test_a_service_with_profiles_has_no_kind_and_asks_for_none():
    document = Document.decode({"services": {"web": {"profiles": ["debug"]}, "api": {"ports": [{"target": 80}]}}})
    kinds, problems = infer(document, App("shop"))
    assert (list(kinds), problems) == (["api"], [])


def test_a_kind_for_a_service_that_the_file_lacks_is_a_problem():
    _, (problem,) = infer(Document.decode(DOCUMENT), App("shop", kinds={**KINDS, "slip": "plain"}))
    assert problem.startswith("app.kinds.slip: ")


def infer_one(service: dict[str, Any], images: ImageFacts | None = None, name: str = "x", **settings: Any) -> str:
    """Return the kind of a service with its reason, or the question about it."""
    kinds, problems = infer(
        Document.decode({"services": {name: service}}), App("shop", **settings), images or ImageFacts()
    )
    return f"{kinds[name].kind}: {kinds[name].reason}" if name in kinds else problems[0]


PORTS = [{"target": 80, "published": "80"}]
FORMS: dict[str, dict[str, Any]] = {
    "named": {"volumes": [{"type": "volume", "source": "v", "target": "/srv"}]},
    "named, a part of it": {
        "volumes": [{"type": "volume", "source": "v", "target": "/srv", "volume": {"subpath": "p"}}]
    },
    "anonymous": {"volumes": [{"type": "volume", "target": "/srv"}]},
    "absolute": {"volumes": [{"type": "bind", "source": "/srv/x", "target": "/srv"}]},
    "home": {"volumes": [{"type": "bind", "source": "~/x", "target": "/srv"}]},
    "data": {"volumes": [{"type": "bind", "source": "./x/", "target": "/srv"}]},
}
"""Every form of a mount that a service writes state to; ``./x`` is data by the settings."""
HARMLESS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "in memory": {"tmpfs": ["/srv:size=1m"], "volumes": [{"type": "tmpfs", "target": "/run"}]},
    "code": {"volumes": [{"type": "bind", "source": "./src", "target": "/srv"}]},
    "a hidden part of code": {
        "volumes": [
            {"type": "bind", "source": ".", "target": "/srv"},
            {"type": "volume", "target": "/srv/node_modules"},
        ]
    },
    "of the host": {"volumes": [{"type": "bind", "source": "/var/run/docker.sock", "target": "/var/run/docker.sock"}]},
    "secrets and configs": {"secrets": [{"source": "s"}], "configs": [{"source": "c"}]},
    **{f"{name}, read only": {"volumes": [{**form["volumes"][0], "read_only": True}]} for name, form in FORMS.items()},
}
SOURCES: dict[str, dict[str, Any]] = {"built": {"build": {"context": "."}}, "image": {"image": "acme/x:1"}}


@pytest.mark.parametrize("form,source", [*product(FORMS, SOURCES)])
def test_plain_is_never_offered_to_a_service_that_writes_state(form, source):
    question = infer_one({**SOURCES[source], **FORMS[form]}, data={"./x": "data"})
    first = "handover" if source == "built" else "shared"
    assert f"x: {first}   # " in question and "shared: " in question.replace("shared   #", "shared:")
    assert "plain" not in question


@pytest.mark.parametrize("form,source", [*product(HARMLESS, SOURCES)])
def test_plain_is_offered_to_a_service_that_writes_no_state(form, source):
    question = infer_one({**SOURCES[source], **HARMLESS[form]}, data={"./x": "data"})
    assert "x: handover   # at most one runs; or plain: both colours; or ignored" in question


@pytest.mark.parametrize(
    "service,images",
    [
        ({"image": "acme/x:1"}, ImageFacts(volumes={"acme/x:1": ("/data",)})),
        ({"image": "acme/x"}, ImageFacts(volumes={"acme/x:latest": ("/data",)})),
        ({"image": "docker.io/library/x:1"}, ImageFacts(volumes={"x:1": ("/data",)})),
        ({"build": {"context": "."}}, ImageFacts({"x": recipe("FROM a\nVOLUME /data")})),
        ({"build": {"context": "."}}, ImageFacts({"x": recipe("FROM a:1")}, {"a:1": ("/data",)})),
    ],
)
def test_the_volume_of_an_image_is_state_unless_something_is_mounted_there_or_it_is_discarded(service, images):
    question = infer_one(service, images)
    assert "shared" in question and "the volume /data of its image" in question and "plain" not in question
    assert "plain" in infer_one({**service, "tmpfs": ["/data/"]}, images)
    assert "plain" in infer_one(service, images, data={"x:/data": "discard"})
    below = {"volumes": [{"type": "volume", "source": "v", "target": "/data/below", "read_only": True}]}
    assert "plain" not in infer_one({**service, **below}, images)


@pytest.mark.parametrize("ports", [{}, {"ports": PORTS}])
@pytest.mark.parametrize("form", FORMS)
def test_a_server_of_state_is_shared_by_its_image_its_dockerfile_or_the_place_of_its_data(ports, form):
    settings = {"data": {"./x": "data"}}
    image = {"image": "redislabs/redismod", **FORMS[form], **ports}
    assert infer_one(image, **settings) == "shared: its image redismod keeps state"
    built = {"build": {"context": "./db"}, **FORMS[form], **ports}
    facts = ImageFacts({"x": recipe("ARG V=17\nFROM timescale/timescaledb-ha:pg$V AS x\nFROM x")})
    assert infer_one(built, facts, **settings) == "shared: its Dockerfile builds on timescaledb-ha, which keeps state"
    (mount,) = FORMS[form]["volumes"]
    at_home = {**SOURCES["built"], "volumes": [{**mount, "target": "/var/lib/postgresql/data"}], **ports}
    if form != "anonymous":
        assert "is mounted at /var/lib/postgresql/data, where a server keeps its data" in infer_one(at_home, **settings)
    assert infer_one(image, kinds={"x": "plain"}, **settings) == "plain: the settings say so"


@pytest.mark.parametrize(
    "command,is_server",
    [
        ({}, True),
        ({"command": ["-c", "max_connections=9"]}, True),
        ({"command": ["postgres", "-c", "fsync=off"]}, True),
        ({"entrypoint": ["/usr/local/bin/docker-entrypoint.sh"], "command": ["own"]}, True),
        ({"command": ["pg_dump", "-h", "db"]}, False),
        ({"command": ["sh", "-c", "while true; do psql; done"]}, False),
        ({"entrypoint": ["/backup.sh"]}, False),
    ],
)
def test_a_build_on_a_server_s_image_that_runs_a_client_is_asked_about(command, is_server):
    facts = ImageFacts({"x": recipe("FROM postgres:17")})
    assert infer_one({"build": {"context": "."}, **command}, facts).startswith("shared: ") is is_server
    own = " ".join(command.get("entrypoint", []) + command.get("command", []))
    facts = ImageFacts({"x": recipe(f"FROM postgres:17\nCMD {own}" if own else "FROM postgres:17")})
    assert infer_one({"build": {"context": "."}}, facts).startswith("shared: ") is is_server


ONCE: dict[str, dict[str, Any]] = {
    "restart no": {"restart": "no"},
    "restart on-failure": {"restart": "on-failure:3"},
    "policy none": {"deploy": {"restart_policy": {"condition": "none"}}},
    "policy on-failure": {"deploy": {"restart_policy": {"condition": "on-failure"}}, "restart": "always"},
    "alembic": {"command": ["alembic", "upgrade", "head"]},
    "django": {"command": ["python", "manage.py", "migrate"]},
    "shell": {"entrypoint": ["sh", "-c"], "command": ["npx prisma migrate deploy && true"]},
    "rails": {"command": ["bin/rails", "db:prepare"]},
}


@pytest.mark.parametrize("form,source", [*product(ONCE, SOURCES)])
def test_oneshot_is_offered_first_where_the_file_suggests_that_a_service_ends(form, source):
    assert "x: oneshot   # " in infer_one({**SOURCES[source], **ONCE[form]})


@pytest.mark.parametrize("more", [{}, {"restart": "always"}, {"restart": "unless-stopped"}, {"command": ["emigrated"]}])
def test_oneshot_is_not_offered_without_a_reason(more):
    assert "oneshot" not in infer_one({"build": {"context": "."}, **more})


def test_a_dockerfile_or_a_name_may_tell_that_a_service_ends():
    assert "x: oneshot" in infer_one(
        {"build": {"context": "."}}, ImageFacts({"x": recipe('FROM a\nCMD ["flyway", "migrate"]')})
    )
    assert "migrations: oneshot" in infer_one({"build": {"context": "."}}, name="migrations")
    assert "x: oneshot" in infer_one({"image": "flyway/flyway:10"})


@pytest.mark.parametrize(
    "name,command",
    [
        ("worker", []),
        ("email-worker", []),
        ("x", ["celery", "-A", "web", "worker"]),
        ("x", ["celery", "-A", "app", "beat"]),
        ("scheduler", ["python", "-m", "app"]),
        ("x", ["php", "artisan", "queue:work"]),
        ("kafka_consumer", []),
    ],
)
def test_a_worker_that_publishes_a_port_is_asked_about(name, command):
    question = infer_one({"build": {"context": "."}, "ports": PORTS, "command": command}, name=name)
    assert f"{name}: handover   # at most one runs, and its published port has to go" in question
    assert "or routed: both colours run it at once" in question


@pytest.mark.parametrize(
    "name,command",
    [("web", []), ("network", []), ("x", ["celery", "flower"]), ("rq-dashboard", []), ("api", ["serve"])],
)
def test_what_publishes_a_port_and_takes_no_jobs_is_routed(name, command):
    assert (
        infer_one({"build": {"context": "."}, "ports": PORTS, "command": command}, name=name)
        == "routed: it publishes a port"
    )


def test_an_ignored_service_has_no_kind_and_asks_for_none():
    document = Document.decode(
        {"services": {"mail": {"image": "x"}, "web": {"build": {"context": "."}, "ports": PORTS}}}
    )
    kinds, problems = infer(document, App("shop", kinds={"mail": "ignored"}))
    assert (list(kinds), problems) == (["web"], [])


@pytest.mark.parametrize(
    "image", ["gitea/gitea:1.22", "docker.io/n8nio/n8n@sha256:1", "ghost", "codeberg.org/forgejo/forgejo:9"]
)
def test_an_image_that_is_known_to_run_once_is_proposed_as_exclusive(image):
    question = infer_one({"image": image, "ports": PORTS})
    assert "x: exclusive   # users reach it, and at most one runs" in question and "routed: both" in question
    assert infer_one({"image": image, "ports": PORTS}, kinds={"x": "exclusive"}) == "exclusive: the settings say so"


def test_a_published_service_that_writes_state_may_be_exclusive(image="acme/cms:1"):
    question = infer_one({"image": image, "ports": PORTS, **FORMS["named"]})
    assert "x: shared   # " in question and "; or exclusive: users reach it, and at most one runs" in question


@pytest.mark.parametrize("image", ["acme/gitea-exporter:1", "acme/wiki-frontend:1"])
def test_what_only_has_such_a_name_in_its_own_is_not_taken_for_it(image):
    assert infer_one({"image": image, "ports": PORTS}) == "routed: it publishes a port"
