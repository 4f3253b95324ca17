"""Only the operator's own settings let a release reach anything of its host."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from switchyard.control.waivers import waivers_of
from switchyard.core.wire.request import Waiver
from switchyard.settings import allow_file, load

WAIVE = "[{rule: device, where: web, reason: r}]"


def host_of(folder: Path, app: str, *, tracked: bool):
    """Return a host whose application is a repository beside the checkout, or the checkout itself."""
    (folder / "app").mkdir()
    checkout = folder / "app" if tracked else folder
    (checkout / "invoke.yaml").write_text(
        f"app: {{name: a, path: {folder / 'app'}, {app}}}\nhosts: {{prod: {{machines: [{{name: m, address: x}}]}}}}\n"
    )
    subprocess.run(["git", "init", "--quiet", "."], cwd=folder / "app", check=True)
    subprocess.run(["git", "add", "--all"], cwd=folder / "app", check=True)
    return load.host(checkout, "prod")


@pytest.mark.parametrize("app", [f"predeploy: {{waive: {WAIVE}}}", f"allow: {{waive: {WAIVE}}}"])
@pytest.mark.parametrize("tracked", [False, True])
def test_settings_count_unless_the_application_s_repository_tracks_them(tmp_path, app, tracked):
    assert waivers_of(host_of(tmp_path, app, tracked=tracked)) == (() if tracked else (Waiver("device", "web"),))


def test_a_place_of_state_that_the_operator_names_may_be_mounted(tmp_path):
    waivers = waivers_of(host_of(tmp_path, "data: {./x: /var/lib/x/, ./y: data}", tracked=False))
    assert waivers == (Waiver("host-path", "*:/var/lib/x"),)


def test_a_person_s_own_file_counts_wherever_the_settings_are(tmp_path):
    allow_file.path().parent.mkdir(parents=True, exist_ok=True)
    allow_file.path().write_text(f"allow: {{{tmp_path}/app: {{waive: {WAIVE}}}}}\n")
    allow_file.path().chmod(0o600)
    assert waivers_of(host_of(tmp_path, "drain: 1", tracked=True)) == (Waiver("device", "web"),)
