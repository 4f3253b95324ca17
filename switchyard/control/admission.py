"""What machines would say to a release before anything of it is sent."""

from __future__ import annotations

from dataclasses import replace

from switchyard.control.channel import Channel
from switchyard.control.commit import descends
from switchyard.control.deploy_options import DeployOptions
from switchyard.control.git import git
from switchyard.control.release import Release, pack
from switchyard.core.wire.answers import Admission
from switchyard.core.wire.facts import LiveRelease


def ask_admission(channel: Channel, release: Release, live: LiveRelease | None, options: DeployOptions) -> Admission:
    """Ask a machine for its own reasons against a release. Each reason names the machine."""
    request = replace(
        options.request(channel, "admission"),
        pack=pack(release, None),
        descends=live is None or descends(release.commit, live.commit) is not False,
        objects=shared_objects(release),
    )
    admission = channel.ask(request, Admission)
    return replace(admission, reasons=tuple(f"{channel.machine.name}: {reason}" for reason in admission.reasons))


def shared_objects(release: Release) -> dict[str, str]:
    """Return each file that shared services mount with its git object, files of Git LFS and folders of them apart."""
    commit, large = release.commit, [f"{path}/" for path in release.contents.files.large]
    return {
        name: git(commit.repository, "rev-parse", f"{commit.id}:{name}").decode().strip()
        for name in release.split.shared_files
        if not any(path.startswith(f"{name}/") for path in large)
    }
