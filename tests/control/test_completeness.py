"""What a release needs and its commit lacks is named, with what to do."""

from __future__ import annotations

from switchyard.control import completeness
from switchyard.core.app import App
from tests.harness.committed_shop import commit, exported, resolved
from tests.harness.git import git


def test_what_the_commit_does_not_carry_is_named(repository, tmp_path):
    (repository / ".gitignore").write_text("Dockerfile\n")
    (repository / "big.bin").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    git(repository, "rm", "--quiet", "--cached", "Dockerfile")
    blob = git(repository, "rev-parse", "HEAD")
    git(repository, "update-index", "--add", "--cacheinfo", f"160000,{blob},vendored")
    git(repository, "commit", "--quiet", "--message", "less")
    git(repository, "add", "big.bin")
    git(repository, "commit", "--quiet", "--message", "pointer")
    folder = exported(repository, tmp_path / "export")
    document = resolved(folder, {"PASSWORD": "x"})
    problems = "\n".join(completeness.problems(repository, "HEAD", document, folder, App("shop")))
    assert "vendored is a submodule" in problems
    assert "service web: build.dockerfile Dockerfile" in problems
    (folder / "Dockerfile").write_text("FROM x\n")
    problems = "\n".join(completeness.problems(repository, "HEAD", document, folder, App("shop")))
    assert "big.bin is a Git LFS pointer" in problems


def test_a_build_input_that_git_ignores_is_named_with_its_line(repository, tmp_path):
    (repository / ".gitignore").write_text("dist\n")
    (repository / "dist").mkdir()
    (repository / "dist" / "app.js").write_text("built here")
    (repository / "Dockerfile").write_text("FROM x\nCOPY conf /conf\nCOPY dist /srv\n")
    commit(repository)
    folder = exported(repository, tmp_path / "export")
    document = resolved(folder, {"PASSWORD": "x"})
    (problems,) = completeness.problems(repository, "HEAD", document, folder, App("shop"))
    assert problems.startswith("service web: Dockerfile:3 copies dist, which is not in the commit: commit it, "), (
        problems
    )


def test_a_pointer_that_a_service_mounts_is_named(repository, tmp_path):
    (repository / "conf" / "model").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    compose = repository / "compose.yaml"
    compose.write_text(compose.read_text().replace("build: .", "image: x"))
    commit(repository)
    folder = exported(repository, tmp_path / "export")
    document = resolved(folder, {"PASSWORD": "x"})
    problems = completeness.problems(repository, "HEAD", document, folder, App("shop"))
    assert [line.split(",")[0] for line in problems] == ["conf/model is a Git LFS pointer"]
