"""git on a host reads no settings but the repository's own, and takes in commits of either kind of id."""

from __future__ import annotations

import subprocess

import pytest

from switchyard.core.errors import SwitchyardError
from switchyard.host.adapters import git
from switchyard.host.repository import Repository
from tests.harness.git import git as git_of_test


def test_settings_of_the_user_and_of_the_machine_are_not_read(tmp_path, monkeypatch):
    (tmp_path / ".gitconfig").write_text("[user]\n    name = Somebody\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_DIR", str(tmp_path))
    git_of_test(tmp_path, "init", "--quiet", "--bare", str(tmp_path / "repo.git"))
    assert b"Somebody" not in git.printed(tmp_path / "repo.git", "config", "--list")
    with pytest.raises(SwitchyardError, match=r"^git rev-parse: fatal: "):
        git.printed(tmp_path / "repo.git", "rev-parse", "absent")


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_a_repository_is_made_for_the_ids_of_its_first_commit(algorithm, tmp_path):
    code = tmp_path / "code"
    git_of_test(tmp_path, "init", "--quiet", f"--object-format={algorithm}", str(code))
    (code / "file").write_text("one")
    git_of_test(code, "add", "--all")
    git_of_test(code, "commit", "--quiet", "--message", "one")
    commit, files = git_of_test(code, "rev-parse", "HEAD", "HEAD^{tree}").split()
    words = f"{commit}\n".encode()
    argv = ["git", "-C", str(code), "pack-objects", "--revs", "--stdout", "--quiet"]
    (tmp_path / "pack").write_bytes(subprocess.run(argv, input=words, check=True, capture_output=True).stdout)
    repository = Repository(tmp_path / "repo.git", lambda: None)
    with open(tmp_path / "pack", "rb") as pack:
        repository.take_in(pack, commit, files, "R1")
    repository.export(files, tmp_path / "files")
    assert (tmp_path / "files" / "file").read_text() == "one"
