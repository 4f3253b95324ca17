"""The volumes that the images of a release declare, once the images are here and before anything of it starts."""

from __future__ import annotations

from collections.abc import Mapping

from switchyard.core.compose_document import Service
from switchyard.core.errors import refuse
from switchyard.core.kinds import kind_named
from switchyard.core.names import COLOURS
from switchyard.core.state_keeping import ImageFacts, lost_content, unnamed_volumes
from switchyard.core.wire.release import ReleaseRecord
from switchyard.host.adapters import engine
from switchyard.host.adapters.store import Store


def refuse_unnamed_volumes(store: Store, record: ReleaseRecord, images: Mapping[str, str]) -> None:
    """Refuse a release with a volume of an image that begins empty with every release, where nobody named it.

    The control node knows of those that a Dockerfile or an image of the host declares; what an image that was pulled
    or built just now inherits, only this step can tell.
    """
    document = store.releases.document(record.id, COLOURS[0])
    declared = {image: engine.image_volumes(image) for image in set(images.values())}
    reasons = []
    for name, service in document.services.items():
        kind = kind_named(record.kinds.get(name))
        if kind is not None and kind.stays_up_in_colour and name in images:
            facts = ImageFacts(volumes={images[name]: declared[images[name]]})
            unnamed = unnamed_volumes(_running(service, images[name]), record.app, facts)
            reasons += [f"service {name}: {lost_content(name, target)}" for target in unnamed]
    refuse(reasons)


def _running(service: Service, image: str) -> Service:
    """Return the service as its containers run it."""
    return service._replace(image=image)
