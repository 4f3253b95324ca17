"""The checks of the group "code" that run tools on the source, in the protocol's order."""

from __future__ import annotations

from switchyard.predeploy.code import audit, deadcode, lint, types
from switchyard.predeploy.engine.check import Check

CHECKS: tuple[Check, ...] = (lint.CHECK, deadcode.CHECK, types.CHECK, audit.CHECK)
