"""The typed adapter for Compose documents: the only code that knows their keys.

``document`` reads a whole document, ``parts`` what its services are made of, ``edits`` changes its JSON.
"""

from switchyard.core.compose_document.document import Document, Service, WrittenService, written_services
from switchyard.core.compose_document.edits import changed_keys, pin, services_of, volumes_of, with_services
from switchyard.core.compose_document.parts import Build, Mount, Port, Resource

__all__ = [
    "Build",
    "Document",
    "Mount",
    "Port",
    "Resource",
    "Service",
    "WrittenService",
    "changed_keys",
    "pin",
    "services_of",
    "volumes_of",
    "with_services",
    "written_services",
]
