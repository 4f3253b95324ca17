"""``inv edge.certificates``: ship changed certificates without a deploy, for example after a client renewed them."""

from __future__ import annotations

import json
from pathlib import Path

from switchyard.control.act import act_on_host
from switchyard.control.certificates import read_certificates
from switchyard.core.errors import BadInput
from switchyard.core.wire.release import Certificates
from switchyard.settings import load


def edge_certificates(checkout: Path, host_name: str) -> int:
    """Have the edges of a host show the certificates that its entry names. Return the exit code."""
    host = load.host(checkout, host_name)
    certificates = read_certificates(host)
    if not certificates:
        raise BadInput(f"hosts.{host.name}.certificates names none. Add NAME: {{certificate: FILE, key: FILE}}")
    texts = Certificates({name: each.text for name, each in certificates.items()})
    sent = json.dumps(texts.encode()).encode()
    return act_on_host(checkout, host_name, lambda channel: channel.request("edge.certificates"), sent)
