"""The certificates of this host's edge: its files, and what the running edge has of them.

They belong to the host and not to a release: a rollback changes none.
"""

from __future__ import annotations

import os
import time
from calendar import timegm
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from switchyard.core import edge, edge_container, edge_tls
from switchyard.core.app import Route
from switchyard.core.errors import NotChecked, SwitchyardError
from switchyard.core.route_names import covering_names
from switchyard.core.wire.answers import CertificateEnd
from switchyard.host.adapters.files import renew
from switchyard.host.adapters.proxy import Proxy
from switchyard.host.adapters.store import Store

FORM = "%b %d %H:%M:%S %Y GMT"
"""How HAProxy writes a time."""
ENDS = "notAfter:"
DONE = "Success!"


def keep(store: Store, certificates: Mapping[str, str]) -> list[str]:
    """Write certificates that differ from those that are here. Return their names.

    The running edge has them after its next reload, or after ``serve``.
    """
    folder = _folder(store)
    changed = [name for name, text in certificates.items() if renew(folder / edge_tls.file_of(name), text)]
    names = [edge_tls.name_of(path.name) for path in folder.glob("*.pem")]
    renew(store.edge / "cfg" / edge_tls.LIST, edge_tls.list_of(names, edge.HOME))
    user = edge_container.user(os.getuid())
    if user != os.getuid():  # the edge never runs as root, and nobody else may read them
        for path in (folder, *folder.glob("*.pem"), store.edge / "cfg" / edge_tls.LIST):
            os.chown(path, user, user)
    return changed


def lacking(store: Store, routes: Iterable[Route]) -> Iterator[str]:
    """Yield each name with TLS that no certificate here is for: the edge would not start with it."""
    for route in routes:
        path = file_for(store, route)
        if path is not None and not path.exists():
            yield (
                f"route {route.identity}: this host has no certificate for {route.host}. Name its files under "
                "hosts.NAME.certificates"
            )


def file_for(store: Store, route: Route) -> Path | None:
    """Return the certificate that the edge shows for a route; None for a route without TLS."""
    if not route.tls:
        return None
    paths = [_folder(store) / edge_tls.file_of(name) for name in covering_names(route.host)]
    return next((path for path in paths if path.exists()), paths[0])


def serve(store: Store, proxy: Proxy, names: list[str]) -> bool:
    """Have the running edge show the certificates of these names, without a reload. Return whether it ends TLS."""
    if f"{edge.HOME}/cfg/{edge_tls.LIST}" not in proxy.say("show ssl crt-list").split():
        return False
    known = proxy.say("show ssl cert").split()
    for name in names:
        path = edge_tls.path_of(name, edge.HOME)
        is_new = path not in known
        if is_new:
            _require(proxy.say(f"new ssl cert {path}"), "New empty", name)
        text = (_folder(store) / edge_tls.file_of(name)).read_text()
        _require(proxy.say(f"set ssl cert {path} <<\n{text}"), "Transaction", name)
        _require(proxy.say(f"commit ssl cert {path}"), DONE, name)
        if is_new:
            row = edge_tls.row(name, edge.HOME)
            _require(proxy.say(f"add ssl crt-list {edge.HOME}/cfg/{edge_tls.LIST} <<\n{row}\n"), DONE, name)
    return True


def ends(proxy: Proxy) -> Iterator[CertificateEnd]:
    """Yield when each certificate ends that the running edge shows; none while it does not run."""
    try:
        paths = [line for line in proxy.say("show ssl cert").split() if line.startswith(f"{edge.HOME}/cfg/")]
        for path in sorted(paths):
            lines = proxy.say(f"show ssl cert {path}").splitlines()
            until = next((line.removeprefix(ENDS).strip() for line in lines if line.startswith(ENDS)), None)
            if until is not None:
                yield CertificateEnd(edge_tls.name_of(path.rpartition("/")[2]), timegm(time.strptime(until, FORM)))
    except NotChecked:
        return


def _folder(store: Store) -> Path:
    return store.edge / "cfg" / edge_tls.FOLDER


def _require(answer: str, word: str, name: str) -> None:
    if word not in answer:
        raise SwitchyardError(f"the edge does not take the certificate of {name}: {' '.join(answer.split())}")
