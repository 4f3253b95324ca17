"""An export holds the files of its commit: all of them, and nothing else."""

from __future__ import annotations

from switchyard.control import commit_files
from tests.harness.committed_shop import commit, exported


def test_an_export_holds_what_the_commit_holds_and_nothing_else(repository, tmp_path):
    folder = exported(repository, tmp_path / "export")
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert files == {"compose.yaml", "Dockerfile", "conf/a.ini"} == commit_files.tracked(repository, "HEAD")


def test_what_git_keeps_out_of_archives_is_exported(repository, tmp_path):
    (repository / ".gitattributes").write_text("conf export-ignore\nDockerfile export-subst\n")
    (repository / "Dockerfile").write_text("# $Format:%H$\n")
    commit(repository)
    folder = exported(repository, tmp_path / "export")
    assert (folder / "conf" / "a.ini").exists()
    assert (folder / "Dockerfile").read_text() == "# $Format:%H$\n"
