"""The services of the compose document that run PostgreSQL."""

from __future__ import annotations

import re

from switchyard.core.compose_document import Document
from switchyard.core.images import POSTGRES_DATABASES, ImageReference
from switchyard.predeploy.database.database_setting import setting_of
from switchyard.predeploy.database.reference_server import NEWEST
from switchyard.predeploy.engine.subject import Subject

USER_VARIABLE = "POSTGRES_USER"
"""The variables from which PostgreSQL's image creates its first role and database."""
PASSWORD_VARIABLE = "POSTGRES_PASSWORD"
DATABASE_VARIABLE = "POSTGRES_DB"


def postgres_services(document: Document | None) -> dict[str, str]:
    """Return the services whose image is PostgreSQL's, each with the image's tag."""
    services = document.services if document is not None else {}
    images = {name: ImageReference.parse(service.image or "") for name, service in services.items()}
    return {name: image.tag for name, image in images.items() if image.name in POSTGRES_DATABASES}


def database_service(subject: Subject) -> str | None:
    """Return the service that the settings name as the database; else the only one that runs PostgreSQL."""
    services = list(postgres_services(subject.document))
    return setting_of(subject).service or (services[0] if len(services) == 1 else None)


def server_major(subject: Subject) -> int:
    """Return the major version of the application's database by its image's tag; without one, the newest."""
    tag = postgres_services(subject.document).get(database_service(subject) or "", "")
    match = re.match(r"(\d+)", tag)
    return int(match.group(1)) if match else NEWEST


def database_owner(subject: Subject) -> str | None:
    """Return the role that the image creates on the application's server; migrations may name it."""
    service = database_service(subject)
    return variables_of(subject, service).get(USER_VARIABLE) if service else None


def variables_of(subject: Subject, service: str) -> dict[str, str]:
    """Return a service's variables in the compose document as its container sees them."""
    declared = None if subject.document is None else subject.document.services.get(service)
    return {} if declared is None else dict(declared.environment)
