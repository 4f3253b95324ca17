"""Findings about something that the settings name: a certificate, an API, a file, a tool."""

from __future__ import annotations

from switchyard.predeploy.engine.result import Finding


def named_finding(rule: str, name: str, what: str, do: str) -> Finding:
    """Build a finding that name and rule identify, so that changed words do not make it new."""
    return Finding(rule, what, place=name, do=do, text=f"{name} {rule}")
