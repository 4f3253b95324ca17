"""``images``: what a deploy would run of what it does not build. Nothing is pulled."""

from __future__ import annotations

from switchyard.core import edge
from switchyard.core.wire.answers import PlannedImage, PlannedImages
from switchyard.core.wire.request import Request
from switchyard.host.adapters import engine
from switchyard.host.adapters.store import Store
from switchyard.host.facts import live_release
from switchyard.host.release_images import choose_edge, choose_images, follows, needed_images

ANSWER_WITHIN = 2.0
"""Seconds in which registries must answer a plan, all of them side by side."""


def images(store: Store, request: Request) -> PlannedImages:
    """Ask registries as a deploy does, but for a shorter time."""
    live = live_release(store, request.app)
    record = store.releases.record(live.id) if live else None
    needed = needed_images(store, "deploy", request.pulls, request.pull_policies, request.shared)
    chosen = choose_images(store, needed, record, within=ANSWER_WITHIN)
    if store.held_addresses() is None and engine.image_id(edge.IMAGE) is None:
        chosen.problems += choose_edge(within=ANSWER_WITHIN).problems
    services = {service: _planned(request.pulls.get(service, ""), pin.image) for service, pin in chosen.pins.items()}
    return PlannedImages(services, tuple(chosen.notes), tuple(chosen.problems))


def _planned(name: str, pin: str) -> PlannedImage:
    image = engine.image_id(pin)
    is_named = not follows(name, pin) or (image is not None and engine.image_id(name) == image)
    return PlannedImage(pin, image is not None, is_named)
