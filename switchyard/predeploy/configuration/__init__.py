"""The protocol's configuration."""

from __future__ import annotations

from switchyard.predeploy.configuration import certificates, credentials, env, files, services, tools
from switchyard.predeploy.engine.check import Check

CHECKS: tuple[Check, ...] = (env.CHECK, services.CHECK, credentials.CHECK, files.CHECK, tools.CHECK, certificates.CHECK)
