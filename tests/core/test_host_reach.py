"""What a refusal of something of the host says. The attacks on neighbours hold which things are refused."""

from __future__ import annotations

from switchyard.core.compose_document import Document
from switchyard.core.host_reach import Place, Reach, Source, reached_by_keys, reached_paths
from switchyard.core.wire.request import Waiver

PLACE = Place("/home/me/apps/shop", "/home/me", ("/home/me/apps/other",), ("/var/lib/docker",))


def test_a_refusal_names_service_key_and_reason_and_the_line_that_allows_it():
    (reach,) = reached_paths([Source("web", "volumes: ./x", "/x", False)], {"/x": "/etc"}, PLACE)
    assert reach.refusal.startswith("service web: volumes: ./x leads to /etc: an application has its own folders")
    assert 'app: {predeploy: {waive: [{rule: host-path, where: "web:/etc", reason: WHY}]}}' in reach.refusal


def test_a_waiver_covers_a_service_or_one_thing_of_it():
    reach = Reach("host-path", "web", "volumes: /etc", "/etc")
    assert reach.is_waived([Waiver("host-path", "web")]) and reach.is_waived([Waiver("host-path", "*:/etc")])
    assert not reach.is_waived([Waiver("device", "web"), Waiver("host-path", "web:/etc/ppp")])


def test_a_service_that_reaches_nothing_has_nothing_to_allow():
    service = Document.decode({"services": {"web": {"image": "x", "cap_add": ["CHOWN"]}}}).services["web"]
    assert list(reached_by_keys(service)) == []
