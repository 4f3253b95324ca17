"""Builds come in the order in which they need each other."""

from __future__ import annotations

import pytest

from switchyard.core.build_order import in_order, stages
from switchyard.core.compose_document import Document


def document(needs):
    return Document.decode(
        {
            "services": {
                name: {
                    "image": f"t/{name}:R",
                    "build": {"context": ".", "additional_contexts": {o: f"docker-image://t/{o}:R" for o in others}},
                }
                for name, others in needs.items()
            }
        }
    )


@pytest.mark.parametrize(
    "needs,expected",
    [
        ({}, ()),
        ({"a": [], "b": []}, (("a", "b"),)),
        ({"a": ["b"], "b": []}, (("b",), ("a",))),
        ({"a": ["b"], "b": ["c"], "c": [], "d": []}, (("c", "d"), ("b",), ("a",))),
        ({"a": ["elsewhere"]}, (("a",),)),
    ],
)
def test_a_build_comes_after_those_that_it_starts_from(needs, expected):
    assert stages(document(needs)) == expected


def test_builds_that_wait_for_each_other_are_told_apart():
    assert in_order({"a": ["b"], "b": ["a"], "c": []}) == ((("c",),), ("a", "b"))
    assert stages(document({"a": ["b"], "b": ["a"]})) == (("a", "b"),)
