"""An application whose services log in to PostgreSQL and Redis, and the files that they read on a machine."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, cast

from switchyard.control.channel import Channel
from switchyard.core.app import App
from switchyard.core.compose_document import Document, Service
from switchyard.core.wire.answers import ContainerFiles, FileText
from switchyard.core.wire.request import Request
from switchyard.predeploy.configuration.logins import Clients
from switchyard.predeploy.engine.host_machine import HostMachine
from switchyard.predeploy.engine.subject import Subject
from switchyard.settings.predeploy import PredeploySetting
from tests.harness.machine_answers import checks_answer

IMAGE_VARIABLES = {"POSTGRES_USER": "app", "POSTGRES_PASSWORD": "own", "POSTGRES_DB": "shop"}
"""What the container of PostgreSQL is created with."""


class Machine:
    """A connection to a machine on which ``web`` runs, which answers what its files contain."""

    machine = SimpleNamespace(name="prod1")
    texts: ClassVar = {
        "/run/secrets/x": "held x",
        "/u": "held u",
        "/d": "held d",
        "/tls/ca.crt": "PEM",
        "/url": "postgresql://web:" + "x@db/y\n",
        "/cache": "rediss://redis?ssl_ca_certs=/tls/ca.crt\n",
        "/pgpass": "# host\ndb2:5432:shop:web:1\ndb:5433:shop:web:2\ndb:*:shop:web:a\\:b\n*:*:*:*:4\n",
    }

    def request(self, verb: str) -> Request:
        return Request(verb, "shop", "/srv/shop")

    def ask(self, request: Request, answer: type[ContainerFiles]) -> ContainerFiles:
        """Answer the query for files of containers."""
        assert request.verb == "held"
        services = request.container_files.items()
        return answer({name: {path: self._file(name, path) for path in paths} for name, paths in services})

    def _file(self, service: str, path: str) -> FileText:
        text = self.texts.get(path) if service == "web" else None
        return FileText(why=f"no {path} in {service}") if text is None else FileText(text)


def subject_of(client: dict[str, str], server: dict[str, str] = IMAGE_VARIABLES, **services: Any) -> Subject:
    """Build a subject whose service ``web`` has the variables ``client``, beside the servers ``db`` and ``redis``."""
    document = Document.decode(
        {
            "services": {
                "db": {"image": "postgres:17", "environment": server},
                "redis": {"image": "redis:8"},
                "web": {"image": "x", "environment": client},
                **services,
            }
        }
    )
    nowhere = Path("/nowhere")
    folders = {"top": nowhere, "repository": nowhere, "state": nowhere, "checkout": nowhere}
    machine = HostMachine(cast("Channel", Machine()), checks_answer())
    fields: dict[str, Any] = {**folders, "machines": (machine,), "resolve": lambda: (document, "")}
    return Subject(App("x"), PredeploySetting(), tree="", clean=True, **fields)


def clients_of(client: dict[str, str], server: dict[str, str] = IMAGE_VARIABLES, **services: Any) -> Clients:
    """Return the clients of ``subject_of``."""
    return Clients(subject_of(client, server, **services))


def service(**keys: Any) -> Service:
    """Build a service of a compose document."""
    return Service.decode(keys, "services.x")
