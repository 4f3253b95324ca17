"""The ledger of an application: the objects that it uses and Switchyard did not create, each as it was first used.

It holds volumes and images. No release uses a network or a container that does not carry its application's label.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from switchyard.core import edge, image_names, names
from switchyard.core.errors import Refused
from switchyard.core.wire.adopted import Adopted, AdoptedImage, Kind, kind_and_name
from switchyard.core.wire.release import ReleaseRecord
from switchyard.core.wire.request import Request
from switchyard.host.adapters import engine
from switchyard.host.adapters.engine import Origin
from switchyard.host.adapters.files import read_message, write_json
from switchyard.host.adapters.releases import Releases


class Ledger:
    """The ledger of one application on this host."""

    def __init__(self, root: Path, releases: Releases) -> None:
        self._path = root / "adopted.json"
        self._releases = releases

    def objects(self) -> tuple[str, ...]:
        """Return what it holds, each object as ``inv allow --objects`` names it."""
        adopted = self._read()
        return (*(f"volume:{name}" for name in adopted.volumes), *(f"image:{name}" for name in adopted.images or ()))

    def reasons(self, request: Request, volumes: Iterable[str]) -> list[str]:
        """Return why an application must not use volumes that exist: another's, replaced, or never recorded."""
        foreign = {name: origin for name, origin in _existing(volumes).items() if origin.app != request.app}
        adopted = self._read().volumes if foreign else {}  # a rollback to its own needs no ledger
        judged = (
            self._reason(request, "volume", name, origin, origin.created, adopted.get(name, ""))
            for name, origin in foreign.items()
        )
        return [reason for reason in judged if reason]

    def image_reason(self, request: Request, name: str) -> str:
        """Return why an application must not use the image that a name leads to here; empty where it may.

        A name with a digest tells what the image holds: it needs no record.
        """
        origin = engine.image_origin(name)
        if origin is None or (image_names.digest(name) and origin.app in ("", request.app)):
            return ""
        adopted = (self._read().images or {}).get(image_names.canonical(name))
        return self._reason(request, "image", name, origin, origin.id, adopted.id if adopted else "")

    def notes(self, volumes: Iterable[str]) -> list[str]:
        """Return what ``adopt`` would record."""
        known = self._read().volumes
        return [
            f"volume {name} of {origin.created} was here before Switchyard: the ledger records it"
            for name, origin in _existing(volumes).items()
            if not origin.app and name not in known
        ]

    def adopt(self, volumes: Iterable[str] = ()) -> None:
        """Record existing volumes that nobody labelled, each as it is when it is first used."""
        before = self._read()
        times = {name: each.created for name, each in _existing(volumes).items() if not each.app}
        self._write(replace(before, volumes={**times, **before.volumes}))

    def take_image(self, request: Request, name: str, image: str) -> None:
        """Record what the name of an image leads to, where a release runs that. Refuse another application's image."""
        origin = engine.image_origin(image)
        if origin is not None and origin.app not in ("", request.app):
            raise Refused(_of_another("image", name or image, origin))
        if name and origin is not None and engine.image_id(name) == origin.id:
            before = self._read()
            known = {image_names.canonical(name): AdoptedImage(origin.id, origin.created)}
            self._write(replace(before, images={**(before.images or {}), **known}))

    def accept(self, request: Request) -> bool:
        """Record the objects that a request names as they are now, or forget them. Return whether that changed any."""
        before = self._read()
        volumes, images = dict(before.volumes), dict(before.images or {})
        for kind, name in map(kind_and_name, request.adopt):
            full = name if kind == "volume" else image_names.canonical(name)
            if request.take_back:
                (volumes if kind == "volume" else images).pop(full, None)
                continue
            origin = _require(request.app, kind, name)
            if kind == "volume":
                volumes[full] = origin.created
            else:
                images[full] = AdoptedImage(origin.id, origin.created)
        after = Adopted(volumes, images)
        self._write(after)
        return after != before

    def _write(self, adopted: Adopted) -> None:
        if adopted != read_message(self._path, Adopted):
            write_json(self._path, adopted.encode())

    def _reason(self, request: Request, kind: Kind, name: str, origin: Origin, now: str, known: str) -> str:
        if origin.app not in ("", request.app):
            return _of_another(kind, name, origin)
        if known == now or (not known and self._is_first()):
            return ""
        way = f"inv allow --host {request.host or 'NAME'} --objects {kind}:{name} --reason WHY"
        if not known:
            return (
                f"{kind} {name} is here, created at {origin.created}, and neither did Switchyard make it nor did this "
                f"application use it before. If it is meant to: {way}"
            )
        return (
            f"{kind} {name} is now {_told(kind, origin)}, and this application uses the one of {known}: somebody "
            f"replaced it. Restore that one, or, if this was meant: {way}"
        )

    def _is_first(self) -> bool:
        """Return whether no release was live yet. One whose record is damaged may have been."""
        return not self._lived() and not self._releases.damaged()

    def _lived(self) -> list[ReleaseRecord]:
        return [record for record in self._releases.readable_records() if record.since is not None]

    def _read(self) -> Adopted:
        """Return the ledger. What an earlier version did not record is what its releases use now."""
        adopted, lived = read_message(self._path, Adopted), self._lived()
        if adopted is None:
            volumes = dict.fromkeys(name for record in lived for name in record.volumes)
            times = {name: each.created for name, each in _existing(volumes).items() if not each.app}
            adopted = Adopted(times)
        if adopted.images is None:
            live = max(lived, key=lambda record: record.since or 0.0, default=None)
            adopted = replace(adopted, images=_images_of(live) if live is not None else {})
        return adopted


def _of_another(kind: Kind, name: str, origin: Origin) -> str:
    where = "another name under volumes in the compose file" if kind == "volume" else "an image that it may use"
    return f"{kind} {name} belongs to the application {origin.app}. Give this one {where}"


def _told(kind: Kind, origin: Origin) -> str:
    return f"that of {origin.created}" if kind == "volume" else f"{origin.id}, created at {origin.created}"


def _require(app: str, kind: Kind, name: str) -> Origin:
    """Return where an object of this host comes from. Refuse one that is absent, or another application's."""
    origin = engine.volume_origin(name) if kind == "volume" else engine.image_origin(name)
    if origin is None:
        raise Refused(f"this host has no {kind} {name}. Correct the name, or create it first")
    if origin.app not in ("", app):
        raise Refused(_of_another(kind, name, origin))
    return origin


def _existing(volumes: Iterable[str]) -> dict[str, Origin]:
    origins = {name: engine.volume_origin(name) for name in volumes}
    return {name: origin for name, origin in origins.items() if origin is not None}


def _images_of(live: ReleaseRecord) -> dict[str, AdoptedImage]:
    """Return the images that the live release and its edge run, by the names that they were pulled by."""
    edges = engine.containers(f"{names.APP}={live.name}", f"{names.KIND}=edge")
    used = [(edge.IMAGE, container.image_id) for container in edges]
    used += [(live.pulls[service], image) for service, image in live.images.items() if live.pulls.get(service)]
    known: dict[str, AdoptedImage] = {}
    for name, image in used:
        full, origin = image_names.canonical(name), engine.image_origin(image)
        if origin is not None and (full not in known or engine.image_id(name) == image):
            known[full] = AdoptedImage(origin.id, origin.created)
    return known
