"""The edge of a host: what stands in the way of its previews is named."""

from __future__ import annotations

import pytest

from switchyard.core.errors import SwitchyardError
from switchyard.host.steps.edge import PREVIEW_PORTS, _free_port


def test_no_free_loopback_port_is_named():
    with pytest.raises(SwitchyardError, match="no loopback port between 20000 and 32700 is free"):
        _free_port(set(PREVIEW_PORTS))
