"""The verbs that only look: they take no lease and write nothing. To add one, add its module and a row here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from switchyard.core.wire.message import Message
from switchyard.core.wire.request import Request
from switchyard.host.adapters.store import Store
from switchyard.host.queries.admission import admission
from switchyard.host.queries.allowed import allowed
from switchyard.host.queries.changes import changes
from switchyard.host.queries.checks import checks
from switchyard.host.queries.container_files import container_files
from switchyard.host.queries.doctor import doctor
from switchyard.host.queries.env import env
from switchyard.host.queries.execute import execute
from switchyard.host.queries.files import files
from switchyard.host.queries.history import history
from switchyard.host.queries.logs import logs
from switchyard.host.queries.places import places
from switchyard.host.queries.plan_facts import plan_facts
from switchyard.host.queries.previews import previews
from switchyard.host.queries.rollback_target import rollback_target
from switchyard.host.queries.status import status

QUERIES: Mapping[str, Callable[[Store, Request], Message]] = {
    "facts": plan_facts,
    "allowed": allowed,
    "changes": changes,
    "admission": admission,
    "target": rollback_target,
    "env": env,
    "checks": checks,
    "files": files,
    "places": places,
    "held": container_files,
    "status": status,
    "history": history,
    "logs": logs,
    "doctor": doctor,
    "exec": execute,
    "previews": previews,
}
