"""The protocol's configuration."""

from __future__ import annotations

from switchyard.checks.check import Check
from switchyard.checks.configuration import certificates, credentials, env, files, services, tools

CHECKS: tuple[Check, ...] = (env.CHECK, services.CHECK, credentials.CHECK, files.CHECK, tools.CHECK, certificates.CHECK)
