"""The edge's documents are a draft until they are published, whenever a program dies."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from switchyard.core.app import Route
from switchyard.core.held_routes import held_for
from switchyard.host import edge_documents
from switchyard.host.adapters.files import read_json, write_json

NEW = held_for([Route("web", 80, 8081)], 2)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name in edge_documents.DOCUMENTS:
        write_json(tmp_path / name, "old")
    return tmp_path


def texts(home: Path) -> dict[str, object]:
    return {name: read_json(home / name) for name in edge_documents.DOCUMENTS}


def test_a_draft_changes_nothing_that_is_published(home):
    before = texts(home)
    path = edge_documents.draft(home, NEW, {"p": 1}, {"services": {}})
    assert texts(home) == before and read_json(path) == {"services": {}} and edge_documents.is_drafted(home)
    edge_documents.discard(home)
    assert texts(home) == before and not edge_documents.is_drafted(home)


@pytest.mark.parametrize("finish", [edge_documents.publish, edge_documents.discard])
@pytest.mark.parametrize("published", range(1, 4))
def test_from_the_first_document_on_that_is_published_all_of_them_are(home, finish, published):
    edge_documents.draft(home, NEW, {"p": 1}, {"services": {}})
    for name in edge_documents.DOCUMENTS[:published]:
        os.replace(home / "draft" / name, home / name)
    assert not edge_documents.is_drafted(home)
    finish(home)
    assert texts(home) == {
        "routes.json": [address.encode() for address in NEW],
        "previews.json": {"p": 1},
        "compose.json": {"services": {}},
    }


def test_a_draft_without_an_edge_is_no_apply_that_was_cut_short(tmp_path):
    edge_documents.draft(tmp_path, NEW, {}, {})
    assert not edge_documents.is_drafted(tmp_path)
