"""The verb ``inv predeploy``."""

from __future__ import annotations

import pytest

from switchyard.core.errors import BadInput
from switchyard.predeploy.engine.options import CheckOptions
from switchyard.verbs import predeploy


def test_every_check_is_listed_with_what_it_proves(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    assert predeploy.list_checks() == 0
    text = capsys.readouterr().out
    assert all(check.name in text and check.proves in text for check in predeploy.every_check())


def test_an_unknown_check_ends_the_verb_before_it_looks_at_anything(tmp_path):
    with pytest.raises(BadInput, match="no check is called 'lnt'; did you mean lint"):
        predeploy.predeploy(tmp_path, "", "", CheckOptions(only=("lnt",)))
    with pytest.raises(BadInput, match="need --reason"):
        predeploy.predeploy(tmp_path, "", "", CheckOptions(skip=("lint",)))
