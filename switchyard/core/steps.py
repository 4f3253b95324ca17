"""The steps of a verb on one machine, by their names in plans, journals and receipts."""

from __future__ import annotations

STEP_NAMES = (
    "receive",
    "build",
    "shared",
    "edge",
    "oneshots",
    "retire",
    "up",
    "prove",
    "smoke",
    "switch",
    "stop_singletons",
    "start_singletons",
    "prove_singletons",
    "look",
    "seen",
    "cancel",
    "standby",
    "restart",
    "scale",
    "apply_shared",
    "apply_edge",
)
