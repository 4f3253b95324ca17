"""What must hold after a round; each function describes what does not."""

from __future__ import annotations

from bench.faults.applications import Application
from bench.faults.observations import journal, parse, serving
from switchyard.core.wire.message import Foreign, message
from tests.harness.load import Summary
from tests.harness.site import LOAD_SECONDS, MAY_HOLD_SECRETS


@message(frozen=True)
class Lease(Foreign):
    """The file of the host's lease."""

    attempt: str | None
    """The attempt that holds it."""


def live_state(site: Application, version: str, commit: str, *, taken_back: str | None) -> list[str]:
    """Check what is live and what runs. ``taken_back``: the release that a rollback had to leave, if it was one."""
    release, page = serving(site)
    problems = []
    if taken_back is None and not (release.endswith(commit[:7]) and version in page):
        problems.append(f"live is {release} ({page}), not {commit[:7]} ({version})")
    if taken_back is not None and release == taken_back:
        problems.append(f"a rollback ended where it began, at {taken_back}")
    workers = site.workers()
    if workers != [release]:
        problems.append(f"the workers at the end are of {workers}, and live is {release}")
    lease = site.read("lease.json")
    if Lease.decode(parse(lease)).attempt is not None:
        problems.append(f"the lease is still held: {lease}")
    return problems


def secrets(site: Application, *screens: str) -> list[str]:
    """Check that the env's secret stands on no screen and in no file but the env's own."""
    holding = site.run("sh", "-c", f"grep -rlF -- {site.secret} {site.root}/ || true").splitlines()
    names = [name.removeprefix(f"{site.root}/") for name in holding]
    problems = [f"a secret stands in {name}" for name in names if not MAY_HOLD_SECRETS.match(name)]
    if not any(MAY_HOLD_SECRETS.match(name) for name in names):
        problems.append("the search found the secret nowhere, so it proves nothing")
    return problems + ["a secret was printed"] * any(site.secret in screen for screen in screens)


def requests(site: Application, summary: Summary, *, drops: bool) -> list[str]:
    """Check that no request failed, that only proven releases answered, and that nothing answered is lost."""
    problems = []
    if summary.failed and not drops:
        late = f"sent up to {summary.most_late:.1f} s late"  # says whether this machine itself had no time
        problems.append(f"{summary.failed} of {summary.sent} requests failed: {dict(summary.errors)}, {late}")
    if summary.seconds >= LOAD_SECONDS:
        problems.append(f"the round took longer than its load of {LOAD_SECONDS:.0f} s")
    proven: dict[str, float] = {}
    for entry in journal(site):
        if (entry.step, entry.what) == ("prove", "done"):
            proven.setdefault(entry.release, entry.wall)
    for release in summary.releases:
        first = summary.began + min(record.end for record in summary.records if record.release == release)
        if release not in proven or proven[release] > first:
            problems.append(f"{release} answered before it was proven")
    return problems + site.lost(summary.ids_answered)
