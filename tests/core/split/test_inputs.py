"""What a split works from: services in the order of need, and paths that stay inside the repository."""

from __future__ import annotations

import copy

import pytest

from switchyard.core.app import App
from switchyard.core.compose_document import Document
from switchyard.core.split import split
from switchyard.core.split.inputs import is_outside, is_relative_path
from tests.harness.shop_documents import DOCUMENT, KINDS, ROOT, TRACKED, split_shop


def test_the_groups_of_a_release_are_those_of_the_kinds_in_the_order_of_need():
    parts = split_shop()
    assert (parts.oneshots, parts.handover, parts.front) == (("migrate",), ("worker",), ("api", "web"))


def test_splitting_leaves_the_document_as_it_was():
    document = copy.deepcopy(DOCUMENT)
    split(Document.decode(document), app=App("shop", kinds=KINDS), release="R", root=ROOT, tracked=TRACKED, folder=".")
    assert document == DOCUMENT


@pytest.mark.parametrize(
    "context,is_relative",
    [
        (".", True),
        ("../lib", True),
        ("/srv", False),
        ("git@h:r", False),
        ("https://h/r.git", False),
        ("docker-image://a", False),
    ],
)
def test_an_address_or_an_absolute_path_is_no_relative_context(context, is_relative):
    assert is_relative_path(context) is is_relative


@pytest.mark.parametrize(
    "path,outside", [("..", True), ("a/../..", True), ("..odd", False), ("a/..", False), (".", False)]
)
def test_a_path_is_outside_only_if_it_leaves_the_repository(path, outside):
    assert is_outside(path) is outside
