"""The verbs that act on a machine. To add one, add its module and a row here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from switchyard.host.attempt import Attempt
from switchyard.host.ending import Ending
from switchyard.host.verbs.deploy import deploy
from switchyard.host.verbs.edge_apply import edge_apply
from switchyard.host.verbs.restart import restart
from switchyard.host.verbs.rollback import rollback
from switchyard.host.verbs.scale import scale
from switchyard.host.verbs.shared_apply import shared_apply
from switchyard.host.verbs.unlock import unlock

VERBS: Mapping[str, Callable[[Attempt], Ending]] = {
    "deploy": deploy,
    "rollback": rollback,
    "restart": restart,
    "scale": scale,
    "shared.apply": shared_apply,
    "edge.apply": edge_apply,
    "unlock": unlock,
}
