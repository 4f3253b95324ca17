"""The variables by which git tells its hooks, and the git commands in them, which repository they are for."""

from __future__ import annotations

from collections.abc import Mapping

CHOOSES_A_REPOSITORY = frozenset(
    f"GIT_{name}"
    for name in (
        "ALTERNATE_OBJECT_DIRECTORIES",
        "ATTR_SOURCE",
        "CEILING_DIRECTORIES",
        "COMMON_DIR",
        "CONFIG",
        "DEFAULT_HASH",
        "DIR",
        "DISCOVERY_ACROSS_FILESYSTEM",
        "GRAFT_FILE",
        "IMPLICIT_WORK_TREE",
        "INDEX_FILE",
        "INTERNAL_SUPER_PREFIX",
        "NAMESPACE",
        "NO_REPLACE_OBJECTS",
        "OBJECT_DIRECTORY",
        "PREFIX",
        "QUARANTINE_PATH",
        "REF_STORAGE",
        "REPLACE_REF_BASE",
        "SHALLOW_FILE",
        "SHALLOW_REF",
        "WORK_TREE",
    )
)
"""Variables that point a git command at a repository, whatever its folder. No tool that Switchyard starts sees them."""


def without_repository(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a tool that may run git in a folder of its own choice."""
    return {name: value for name, value in variables.items() if name not in CHOOSES_A_REPOSITORY}
