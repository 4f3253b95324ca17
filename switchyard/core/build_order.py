"""The order in which the host builds the images of a release: first those that other builds start from."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from switchyard.core.compose_document import Document

IMAGE_CONTEXT = "docker-image://"
"""Starts a further context of a build that is an image."""
Stages = tuple[tuple[str, ...], ...]


def stages(document: Document) -> Stages:
    """Return the services of a document of builds, those first whose images others start from."""
    makers = {f"{IMAGE_CONTEXT}{service.image}": name for name, service in document.services.items()}
    needs = {
        name: {makers[place] for place in service.build.additional_contexts.values() if place in makers}
        for name, service in document.services.items()
        if service.build is not None
    }
    order, ring = in_order(needs)
    return (*order, ring) if ring else order


def in_order(needs: Mapping[str, Collection[str]]) -> tuple[Stages, tuple[str, ...]]:
    """Return the names, those first that others need, and then those that wait for each other for ever."""
    order: list[tuple[str, ...]] = []
    waiting = {name: set(others) for name, others in needs.items()}
    while ready := tuple(name for name, others in waiting.items() if not others & waiting.keys()):
        order.append(ready)
        waiting = {name: others for name, others in waiting.items() if name not in ready}
    return tuple(order), tuple(waiting)
