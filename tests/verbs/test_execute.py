"""``inv exec`` without a host."""

from __future__ import annotations

import pytest

from switchyard.core.errors import BadInput
from switchyard.verbs.execute import execute


def test_a_command_with_half_a_quote_is_told_before_any_host_is_asked(tmp_path):
    with pytest.raises(BadInput, match="exec: --command it's: No closing quotation"):
        execute(tmp_path, "prod", service="web", command="it's")
