"""What both colours and the shared project stand on: networks, volumes and folders."""

from __future__ import annotations

from switchyard.core import names
from switchyard.core.errors import SwitchyardError
from switchyard.core.wire.release import ReleaseRecord
from switchyard.host.adapters import engine
from switchyard.host.adapters.store import Store


def lay_foundation(store: Store, record: ReleaseRecord) -> None:
    """Create the networks, volumes and folders that a release needs and that do not exist yet."""
    for colour in names.COLOURS:
        network = names.network(record.name, colour)
        if not engine.has_network(network) and not engine.create_network(network, record.name):
            raise SwitchyardError(
                f"the engine could not create network {network}. Most likely it has no free range of addresses left. "
                "Remove networks that nothing uses (docker network ls), or give the engine more ranges in "
                "/etc/docker/daemon.json (default-address-pools)"
            )
    for volume in record.volumes:
        if not engine.has_volume(volume):
            engine.create_volume(volume, record.name)
    for name in record.data:
        (store.data / name).mkdir(parents=True, exist_ok=True, mode=0o755)
