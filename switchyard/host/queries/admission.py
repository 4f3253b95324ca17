"""``admission``: what this machine would say to a release, asked before anything of it is sent. Nothing is pulled."""

from __future__ import annotations

from switchyard.core.wire.answers import Admission, PlannedImage
from switchyard.core.wire.request import Request
from switchyard.host.adapters import engine
from switchyard.host.adapters.store import Store
from switchyard.host.admission import Candidate, Digests, digests_of, is_same, live_record, reasons_against
from switchyard.host.receive import images_of_pack
from switchyard.host.release_images import follows

ANSWER_WITHIN = 2.0
"""Seconds in which registries must answer, all of them side by side."""


def admission(store: Store, request: Request) -> Admission:
    """Judge a release by what the control node tells of its commit: the objects of it are not here yet."""
    pack = request.pack
    assert pack is not None
    live = live_record(store, request.app)
    images = images_of_pack(store, request, pack, within=ANSWER_WITHIN)
    digests = digests_of(store, pack) if live is not None else Digests("", "")
    candidate = Candidate(pack, digests, images, lambda _: request.descends, request.objects.get)
    is_live = live is not None and not request.force and is_same(live, candidate)
    return Admission(
        is_live=is_live,
        reasons=() if is_live else tuple(reasons_against(store, request, candidate, live)),
        images={service: _planned(pack.pulls.get(service, ""), pin.image) for service, pin in images.pins.items()},
        notes=(*images.notes, *store.ledger.notes(pack.volumes)),
    )


def _planned(name: str, pin: str) -> PlannedImage:
    image = engine.image_id(pin)
    is_named = not follows(name, pin) or (image is not None and engine.image_id(name) == image)
    return PlannedImage(pin, image is not None, is_named)
