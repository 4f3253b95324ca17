"""The images that builds start from are read from each service's own Dockerfile."""

from __future__ import annotations

from switchyard.control.build_bases import bases_of
from switchyard.core.compose_document import Document


def test_each_build_tells_what_it_starts_from(tmp_path):
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "Prod").write_text("ARG BASE=app\nFROM $BASE\nCOPY --from=team.example/b:1 /a /a\n")
    services = {
        "web": {"build": {"context": "web", "dockerfile": "Prod", "args": {"BASE": "base:dev"}}},
        "inline": {"build": {"context": ".", "dockerfile_inline": "FROM redis:8"}},
        "elsewhere": {"build": "https://example.org/r.git"},
        "outside": {"build": str(tmp_path / "web")},
        "missing": {"build": "./missing"},
        "pulled": {"image": "redis:8"},
    }
    assert bases_of(Document.decode({"services": services}), tmp_path) == {
        "web": ("base:dev", "team.example/b:1"),
        "inline": ("redis:8",),
    }
