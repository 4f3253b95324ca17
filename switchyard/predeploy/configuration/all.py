"""The checks of the group "configuration", in the protocol's order."""

from __future__ import annotations

from switchyard.predeploy.configuration import (
    certificates,
    credentials,
    env,
    file_modes,
    host_sources,
    services,
    tool_versions,
)
from switchyard.predeploy.engine.check import Check

CHECKS: tuple[Check, ...] = (
    env.CHECK,
    services.CHECK,
    credentials.CHECK,
    file_modes.CHECK,
    host_sources.CHECK,
    tool_versions.CHECK,
    certificates.CHECK,
)
