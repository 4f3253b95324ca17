"""Changes to a document's JSON leave everything else as it is."""

from __future__ import annotations

import copy
import json

from switchyard.core.compose_document.edits import changed_keys, pin, services_of, with_services
from tests.harness.shop_documents import split_shop


def test_pinning_replaces_the_named_images_and_leaves_the_document_as_it_was():
    document = split_shop().colours["blue"]
    before = copy.deepcopy(document)
    pinned = pin(document, {"web": "sha256:web", "absent": "sha256:absent"})
    images = {name: service["image"] for name, service in pinned["services"].items()}
    assert images["web"] == "sha256:web" and images["api"] == "switchyard/shop/api:R7" and "absent" not in images
    assert document == before


def test_edits_leave_the_document_as_it_was():
    document = {"name": "x", "services": {"web": {"image": "a"}, "db": {"image": "b"}}}
    before = json.dumps(document)
    assert services_of(pin(document, {"web": "sha256:1"})) == {"web": {"image": "sha256:1"}, "db": {"image": "b"}}
    assert services_of(with_services(document, {"db": {}, "new": {}})) == {"web": {"image": "a"}, "db": {}, "new": {}}
    assert json.dumps(document) == before


def test_changed_keys_are_named_without_their_values():
    before = {"web": {"image": "a", "user": "1"}, "gone": {}, "same": {"image": "x"}}
    after = {"web": {"image": "b", "labels": {}, "user": "1"}, "new": {}, "same": {"image": "x"}}
    assert changed_keys(before, after) == {"web": ["image", "labels"]}


def test_what_changed_is_told_by_keys_that_hold_no_value():
    one = {"web": {"environment": {"P": "secret"}, "image": "a", "init": True}, "gone": {"image": "a"}}
    two = {"web": {"environment": {"P": "other"}, "image": "a"}, "new": {"image": "a"}}
    assert changed_keys(one, two) == {"web": ["environment", "init"]} and changed_keys(one, one) == {}
