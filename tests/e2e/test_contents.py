"""What was checked ships byte for byte, whatever git is set to on either side, and no verb writes to the repository."""

from __future__ import annotations

import hashlib
import os

import pytest

from tests.harness.contents import contents_of
from tests.harness.lfs import stage_pointer, store_object

MODEL = os.urandom(100_000)
SETTINGS = """
[core]
    autocrlf = true
    eol = crlf
[filter "lfs"]
    smudge = "sed s/^/smudged/"
    required = true
[init]
    defaultObjectFormat = sha256
"""


@pytest.fixture
def set_on_the_host(site):
    """Set git on the host for the SSH user, as long as this test runs: others share the host."""
    site.run("sh", "-c", "umask 0002; cat > /home/deploy/.gitconfig <<'END'\n" + SETTINGS + "END")
    yield
    site.run("rm", "/home/deploy/.gitconfig")


@pytest.mark.instance
@pytest.mark.usefixtures("set_on_the_host")
def test_bytes_and_modes_are_the_commit_s_whatever_git_is_set_to_on_either_side(site, monkeypatch):
    (site.app / "text").write_bytes(b"one\ntwo\n")
    (site.app / ".dockerignore").unlink()
    site.build_with("COPY model.bin /model.bin")
    site.commit("1")
    stage_pointer(site.app, "model.bin", MODEL)
    store_object(site.app / ".git" / "lfs", MODEL)
    site.git("add", ".gitattributes")
    site.git("commit", "--quiet", "--message", "a file of Git LFS")
    before = contents_of(site.app)
    with monkeypatch.context() as hook:
        hook.setenv("GIT_DIR", str(site.app / ".git"))
        hook.setenv("GIT_INDEX_FILE", str(site.app / ".git" / "index"))
        for verb in (("plan",), ("deploy",), ("deploy",), ("status",), ("services",), ("doctor",), ("plan",)):
            done = site.inv(*verb)
            assert contents_of(site.app) == before, f"{verb} wrote to the operator's repository"
            assert done.returncode == 0 and "Traceback" not in done.stdout, done.stdout
    files = f"{site.root}/current/files"
    assert site.run("sha256sum", f"{files}/model.bin").split()[0] == hashlib.sha256(MODEL).hexdigest()
    assert site.run("sh", "-c", f"od -c {files}/text | grep -c r || true") == "0"
    modes = site.run("sh", "-c", f"find {files}/ -not -type l -printf '%m\\n' | sort -u").split()
    assert set(modes) <= {"644", "755"}, modes
