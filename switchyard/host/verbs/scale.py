"""``scale``: run so many containers of a service."""

from __future__ import annotations

from switchyard.core import edge
from switchyard.core.errors import BadInput, Refused, SwitchyardError
from switchyard.core.kinds import kind_named
from switchyard.core.site import NOTHING
from switchyard.core.steps import Step
from switchyard.core.wire.release import ReleaseRecord
from switchyard.host.attempt import Attempt
from switchyard.host.ending import Ending
from switchyard.host.standby import end_standby
from switchyard.host.steps.table import act


def scale(attempt: Attempt) -> Ending:
    """Run so many containers of a routed or plain service in the live colour, and in every release from now on."""
    site, store = attempt.site(), attempt.store
    service, count = attempt.request.service or "", attempt.request.count or 0
    record = store.releases.record(site.slot(site.live).release) if site.live != NOTHING else None
    if record is None:
        raise Refused("nothing is live here")
    _require_scalable(record, service, count)
    attempt.wanted.id = record.id
    end_standby(attempt)
    before = store.scales()
    store.set_scales({**before, service: count})
    try:
        act(attempt, Step("scale", site.live))
    except SwitchyardError:
        store.set_scales(before)
        raise
    return Ending("scaled")


def _require_scalable(record: ReleaseRecord, service: str, count: int) -> None:
    if service not in record.front:
        kind = record.kinds.get(service)
        why = f"it is {kind}" if kind else "there is no such service"
        raise BadInput(f"{service} cannot be scaled: {why}; these can: {', '.join(record.front)}")
    traits = kind_named(record.kinds.get(service))
    is_routed = traits is not None and traits.behind_edge
    if count < 1 or (is_routed and not edge.serves(count)):
        most = f"the edge reaches 1 to {edge.SERVERS} containers of a routed service" if is_routed else "1 or more"
        raise BadInput(f"--count {count}: {most}")
