"""``inv shared.apply`` and ``inv edge.apply`` apply the part that their names say."""

from __future__ import annotations

import pytest

from switchyard.verbs import edge_apply, shared_apply


@pytest.mark.parametrize(
    "module,verb,name",
    [(shared_apply, shared_apply.shared_apply, "shared.apply"), (edge_apply, edge_apply.edge_apply, "edge.apply")],
)
def test_a_verb_applies_its_own_part(monkeypatch, tmp_path, module, verb, name):
    monkeypatch.setattr(module, "apply_commit", lambda checkout, host, part, *, rev, yes: 4 if part == name else 1)
    assert verb(tmp_path, "prod", rev=None, yes=True) == 4
