"""The verbs that act on a machine. To add one, add its module, a function here and its row.

Each function imports its verb: a program runs one verb, and a rollback does not wait for the others to load.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from switchyard.host.attempt import Attempt
from switchyard.host.ending import Ending


def _deploy(attempt: Attempt) -> Ending:
    from switchyard.host.verbs.deploy import deploy

    return deploy(attempt)


def _rollback(attempt: Attempt) -> Ending:
    from switchyard.host.verbs.rollback import rollback

    return rollback(attempt)


def _restart(attempt: Attempt) -> Ending:
    from switchyard.host.verbs.restart import restart

    return restart(attempt)


def _scale(attempt: Attempt) -> Ending:
    from switchyard.host.verbs.scale import scale

    return scale(attempt)


def _shared_apply(attempt: Attempt) -> Ending:
    from switchyard.host.verbs.shared_apply import shared_apply

    return shared_apply(attempt)


def _edge_apply(attempt: Attempt) -> Ending:
    from switchyard.host.verbs.edge_apply import edge_apply

    return edge_apply(attempt)


def _edge_certificates(attempt: Attempt) -> Ending:
    from switchyard.host.verbs.edge_certificates import edge_certificates

    return edge_certificates(attempt)


def _unlock(attempt: Attempt) -> Ending:
    from switchyard.host.verbs.unlock import unlock

    return unlock(attempt)


def _allow(attempt: Attempt) -> Ending:
    from switchyard.host.verbs.allow import allow

    return allow(attempt)


def _preview(attempt: Attempt) -> Ending:
    from switchyard.host.verbs.preview import preview

    return preview(attempt)


VERBS: Mapping[str, Callable[[Attempt], Ending]] = {
    "deploy": _deploy,
    "rollback": _rollback,
    "restart": _restart,
    "scale": _scale,
    "shared.apply": _shared_apply,
    "edge.apply": _edge_apply,
    "edge.certificates": _edge_certificates,
    "unlock": _unlock,
    "allow": _allow,
    "preview": _preview,
}
