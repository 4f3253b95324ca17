"""The facts of a machine on which nothing is live, for tests to vary."""

from __future__ import annotations

from switchyard.core.wire.facts import Facts

FACTS = Facts(
    root="/",
    uid=1000,
    disks={},
    memory_available=0,
    live=None,
    routes=(),
    checks={},
    number=0,
    commits=(),
    trees=(),
    large=(),
    edge=None,
    unfinished=(),
    others=(),
    volumes=(),
    data=(),
    image_volumes={},
    listening={},
    shared=(),
    memory_live=0,
)
