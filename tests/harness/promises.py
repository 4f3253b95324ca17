"""What a goal may do and what its outcome promises, for the walks and for the check of every site."""

from __future__ import annotations

from switchyard.core.next_step import Want
from switchyard.core.site import Site, Slot
from switchyard.core.steps import Step

NOT_IN_A_REPAIR = ("receive", "build", "oneshots", "retire", "smoke", "cancel")


def overreach(want: Want, before: Site, step: Step) -> list[str]:
    """Return what a goal must not do by itself. To finish or take back a switch that was cut off is allowed."""
    if want.verb == "repair" and (step.name in NOT_IN_A_REPAIR or (step.name == "up" and step.colour != before.live)):
        return ["a repair brings nothing up beside the live release, and stops nothing of it"]
    if step.name != "switch" or before.proxy not in ("down", before.map_file):
        return []
    colours = {colour for colour in ("blue", "green") if before.slot(colour).release == want.release}
    forbidden = {
        "a repair moves no traffic away": want.verb == "repair"
        and before.live in colours
        and step.colour not in colours,
        "it may only prepare": want.phase == "prepare" and step.colour in colours and before.live not in colours,
        "a rollback does not go back": want.verb == "rollback"
        and before.live in colours
        and step.colour not in colours,
    }
    return [text for text, done in forbidden.items() if done]


def pointed_at(site: Site) -> set[str]:
    """Return the colours, or none, that traffic goes to now or would go to after a restart of the edge."""
    return {site.live, site.map_file}


def was_live(start: Site, want: Want) -> bool:
    """Return whether the edge points to the wanted release, so that traffic may leave what is known to be bad."""
    return any(start.slot(colour).release == want.release for colour in pointed_at(start) if colour != "none")


def lacks_images(site: Site) -> bool:
    """Return whether the wanted release is not built here."""
    return site.stage in ("absent", "received")


def unkept(want: Want, outcome: str, end: Site) -> list[str]:
    """Return what an outcome promises, wherever the run began, and the last site does not keep."""
    home, live = end.holder(want.release), end.live
    away = live == "none" or end.slot(live).release != want.release
    slot = end.slot(home) if home is not None else Slot()
    if outcome == "live":
        promised = {
            "the wanted release is live": not away and end.proxy == live,
            "its singletons are proven": slot.single in ("healthy", "unused"),
            "its routed and plain services are proven": slot.front == "healthy",
            "shared services run": end.shared != "absent",
            "a repair proves them": want.verb != "repair" or end.shared == "healthy",
            "no other singleton runs": all(not end.slot(c).runs_singletons for c in ("blue", "green") if c != home),
            "it was looked at": end.verdict in ("ok", "unverified"),
        }
    elif outcome == "prepared":
        promised = {
            "only where it may not switch": want.phase == "prepare",
            "the wanted release is proven": slot.front == "healthy" and end.smoke == "ok",
            "edge and oneshots are ready": (end.edge, end.stage) == ("current", "ran"),
            "shared services run": end.shared != "absent",
        }
    elif outcome == "taken back":
        promised = {
            "the wanted release is not live": away,
            "its singletons do not run": not slot.runs_singletons,
            "nothing of it runs": slot.front not in ("starting", "healthy"),
        }
    else:
        promised = {
            "failed": {"the wanted release is not live": away},
            "held": {
                "no deploy holds, unless its shared services failed": want.verb != "deploy" or end.shared == "failed",
                "the wanted release is live": want.verb == "repair" or not away,
            },
            "missing": {"a rollback without images": want.verb == "rollback" and lacks_images(end)},
        }[outcome]
    agreed = {"map file and proxy agree": end.proxy in ("down", end.map_file), "nothing waits": end.hold == "off"}
    return [f"{outcome}, and not so: {text}; end {end}" for text, kept in {**promised, **agreed}.items() if not kept]


def unkept_since(want: Want, outcome: str, start: Site, end: Site) -> list[str]:
    """Return what an outcome promises about where the run began, and the last site does not keep."""
    promised = {
        "live": {"its images are here": not lacks_images(end) or was_live(start, want)},
        "prepared": {"traffic is where it was": end.live in pointed_at(start) or was_live(start, want)},
    }.get(outcome, {})
    return [f"{outcome}, and not so: {text}; end {end}" for text, kept in promised.items() if not kept]


def strayed(want: Want, before: Site, after: Site) -> list[str]:
    """Return how one step breaks what ``unkept_since`` promises. A chain of steps that do not, keeps it.

    Traffic that a chain may only prepare points nowhere that it did not point to before; a release that is live
    without its images was so before.
    """
    faults = []
    moved = was_live(after, want) or not pointed_at(after) <= pointed_at(before)
    if want.phase == "prepare" and moved and not was_live(before, want):
        faults.append("a step that prepares moved traffic")
    imageless = was_live(after, want) and lacks_images(after)
    if imageless and not (was_live(before, want) and lacks_images(before)):
        faults.append("it is live without its images")
    return faults
