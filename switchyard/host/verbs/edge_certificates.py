"""``edge.certificates``: have the edge show other certificates, without a release, a reload or an interruption."""

from __future__ import annotations

from switchyard.core.errors import NotChecked, Refused
from switchyard.core.wire import json_text
from switchyard.core.wire.release import Certificates
from switchyard.host import certificates
from switchyard.host.attempt import Attempt
from switchyard.host.ending import Ending, unchanged
from switchyard.host.hello import greet


def edge_certificates(attempt: Attempt) -> Ending:
    """Take the certificates that the control node sends. Each one is served at once, and after a restart too."""
    store = attempt.store
    if store.held_addresses() is None:
        raise Refused("nothing is deployed here yet, and a deploy brings the certificates along. Run inv deploy first")
    greet(attempt)
    attempt.await_word("receive")
    path = attempt.folder / "pack"
    sent = Certificates.decode(json_text.parse(path.read_bytes())).certificates
    path.unlink()
    attempt.wanted.expect(tuple(sent.values()))
    attempt.lease.guard()
    changed = certificates.keep(store, sent)
    try:
        is_served = certificates.serve(store, attempt.proxy, sorted(sent))
    except NotChecked as error:
        return Ending("applied", reason=f"{error}. It has them once it runs")
    if not changed:
        return unchanged("the edge has these certificates: nothing to do")
    names = ", ".join(changed)
    return Ending("applied", reason=names if is_served else f"{names}: no route with tls is live yet")
