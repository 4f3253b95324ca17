"""Secrets and configs of a document that come from a variable: the host's env has it, and no other environment."""

from __future__ import annotations

from collections.abc import Mapping

from switchyard.core.wire.message import Json
from switchyard.core.wire.section import Section

PARTS = ("secrets", "configs")


def with_contents(document: Json, env: Mapping[str, str]) -> Mapping[str, Json]:
    """Return a resolved document with the contents that its secrets and configs have from the env.

    One whose variable is not set stays as it is: the split says so.
    """
    top = Section.of(document, "")
    parts = {}
    for part in PARTS:
        resources = top.section(part)
        if resources.raw:
            parts[part] = {name: _with_content(resources.section(name), env) for name in resources.raw}
    return {**top.raw, **parts}


def _with_content(resource: Section, env: Mapping[str, str]) -> Mapping[str, Json]:
    variable = resource.text("environment")
    if variable is None or variable not in env:
        return resource.raw
    return {"content": env[variable].replace("$", "$$")}
