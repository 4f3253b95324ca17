"""What a deploy starts from, and the overrides that it asks about."""

from __future__ import annotations

import io

import pytest

from switchyard.control.shipment import DeployOptions, confirm_overrides
from switchyard.core.errors import Refused


@pytest.mark.parametrize("flag", ["allow_downgrade", "shared_unchanged", "force"])
def test_an_override_is_refused_where_nobody_can_be_asked_and_goes_with_yes(monkeypatch, flag):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(Refused, match=f"--{flag.replace('_', '-')} overrides a refusal. Add --yes"):
        confirm_overrides(DeployOptions(**{flag: True}))
    confirm_overrides(DeployOptions(**{flag: True}, yes=True))
    confirm_overrides(DeployOptions())
