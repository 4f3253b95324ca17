"""A refusal tells the setting, its line, and the line that allows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from switchyard.control.allowances import NOTHING_ALLOWED, Allowances, Need, allowances_of, tracks
from switchyard.core.errors import NotChecked
from switchyard.core.wire.allowance import Allowance
from switchyard.settings import load
from switchyard.settings.predeploy import PredeploySetting
from tests.harness.git import git
from tests.harness.settings import HOSTS

TEXT = "app:\n  predeploy:\n    passed: [TOKEN]\n    credentials:\n      api: {kind: http, url: x}\n"
NEEDS = [
    Need(("passed",), Allowance(env=("TOKEN",))),
    Need(("credentials", "api"), Allowance(send={"https://x.test": ("A",)})),
]


def refusal(allowances: Allowances) -> list[str]:
    with pytest.raises(NotChecked) as caught:
        allowances.require(NEEDS)
    return str(caught.value).splitlines()


def repository(folder: Path) -> Path:
    folder.mkdir()
    git(folder, "init", "--quiet")
    (folder / "invoke.yaml").write_text(f"app: {{name: shop, path: .}}\n{HOSTS}")
    git(folder, "add", "--all")
    return folder


def test_in_a_separate_checkout_its_settings_allow(tmp_path):
    repository(tmp_path / "app")
    (tmp_path / "invoke.yaml").write_text(f"app: {{name: shop, path: app}}\n{HOSTS}")
    lines = refusal(allowances_of(load.host(tmp_path, "prod"), TEXT))
    assert lines == [
        "app.predeploy.passed (invoke.yaml:3) takes TOKEN from this machine's environment, which a commit cannot allow "
        f"itself. Allow it in {tmp_path}/invoke.yaml under app: allow: {{env: [TOKEN]}}",
        "app.predeploy.credentials.api (invoke.yaml:5) sends A to https://x.test, which a commit cannot allow itself. "
        f'Allow it in {tmp_path}/invoke.yaml under app: allow: {{send: {{"https://x.test": [A]}}}}',
    ]


def test_where_git_tracks_the_settings_the_host_or_the_persons_own_file_allows(tmp_path):
    app = repository(tmp_path / "app")
    with_host = refusal(allowances_of(load.host(app, "prod"), TEXT))
    assert with_host[0].endswith("Allow it with: inv allow --host prod --env TOKEN --reason WHY")
    assert with_host[1].endswith("Allow it with: inv allow --host prod --send https://x.test=A --reason WHY")
    without = refusal(allowances_of(load.nowhere(app), TEXT))
    assert without[0].endswith(f'.config/switchyard/allow.yaml under allow: "{app}": {{env: [TOKEN]}}')


def test_a_repository_decides_what_it_tracks_and_nothing_else(tmp_path):
    app = repository(tmp_path / "app")
    (app / "new.yaml").write_text("")
    (app / "link").symlink_to(tmp_path)
    git(app, "add", "link")
    assert tracks(app, app / "invoke.yaml") and tracks(app, app / "link" / "any.yaml")
    assert not tracks(app, app / "new.yaml") and not tracks(app, tmp_path / "invoke.yaml") and not tracks(app, app)


def test_settings_of_the_operators_own_need_no_allowance():
    Allowances(is_operators=True).require(NEEDS)
    assert len(refusal(NOTHING_ALLOWED)) == len(NEEDS)


def test_every_setting_of_the_checks_is_known_to_ask_for_something_or_not():
    asks = {"passed", "credentials", "files", "certificates", "database", "audit"}
    stays_in_the_tree = {"nox", "sessions", "requirements", "sources", "modules", "allowlist", "tests"}
    only_judges = {"gates", "coverage", "timeout", "waive", "env", "tools"}
    assert asks | stays_in_the_tree | only_judges == PredeploySetting.model_fields.keys()
