"""What both colours and the shared project stand on: networks, volumes and folders."""

from __future__ import annotations

from switchyard.core import names
from switchyard.core.errors import Refused, SwitchyardError
from switchyard.core.wire.release import ReleaseRecord
from switchyard.host.adapters import engine
from switchyard.host.adapters.store import Store

DATA_MODE = 0o755
"""The mode of a folder for state, whatever the umask of the session that creates it."""


def lay_foundation(store: Store, record: ReleaseRecord) -> None:
    """Create the networks, volumes and folders that a release needs and that do not exist yet.

    Raise ``Refused`` where one of them held state before, or should hold it: nothing empty stands in for it.
    """
    for colour in names.COLOURS:
        network = names.network(record.name, colour)
        if not engine.has_network(network) and not engine.create_network(network, record.name):
            raise SwitchyardError(
                f"the engine could not create network {network}. Most likely it has no free range of addresses left. "
                "Remove networks that nothing uses (docker network ls), or give the engine more ranges in "
                "/etc/docker/daemon.json (default-address-pools)"
            )
    volumes, folders = lacking_volumes(record), lacking_folders(store, record)
    _refuse_empty_stand_ins(store, record, volumes, folders)
    for volume in volumes:
        engine.create_volume(volume, record.name)
    for name in folders:
        folder = store.data / name
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(DATA_MODE)


def lacking_volumes(record: ReleaseRecord) -> list[str]:
    """Return the engine's volumes that a release needs and that do not exist."""
    return [volume for volume in record.volumes if not engine.has_volume(volume)]


def lacking_folders(store: Store, record: ReleaseRecord) -> list[str]:
    """Return the folders under ``data/`` that a release needs and that do not exist."""
    return [name for name in record.data if not (store.data / name).exists()]


def _refuse_empty_stand_ins(store: Store, record: ReleaseRecord, volumes: list[str], folders: list[str]) -> None:
    document = store.releases.document(record.id, "compose")
    external = {volume.name or name for name, volume in document.volumes.items() if volume.external}
    external |= set(record.app.volumes.values())
    for volume in volumes:
        if volume in external:
            raise Refused(
                f"volume {volume} is external, and this host has none of that name. Correct the name, or create it "
                f"first: {_created(volume, record)}"
            )
    lived = [each for each in store.releases.records() if each.since is not None]
    for each in lived:
        for volume in set(volumes).intersection(each.volumes):
            raise Refused(
                f"volume {volume} is gone, and {each.id} ran with it: an empty one would stand in for its data. "
                f"Restore it, or create an empty one yourself: {_created(volume, record)}"
            )
        for name in set(folders).intersection(each.data):
            raise Refused(
                f"the folder {store.data / name} is gone, and {each.id} ran with it: an empty one would stand in for "
                f"its data. Restore it, or create an empty one yourself: mkdir {store.data / name}"
            )


def _created(volume: str, record: ReleaseRecord) -> str:
    """Return the command that creates a volume as one of the application's own."""
    return f"docker volume create --label {names.APP}={record.name} {volume}"
