"""A build that fails and an image that is gone change nothing."""

from __future__ import annotations


def test_a_build_that_fails_or_has_broken_dependencies_changes_nothing(site):
    site.commit("1")
    site.receipt("deploy")
    sound = (site.app / "Dockerfile").read_text()
    for line, named in (
        ("RUN echo the compiler is missing >&2; false", "the compiler is missing"),
        (
            "RUN p=$(python3 -c 'import site; print(site.getsitepackages()[0])')/b-1.0.dist-info && mkdir -p $p && "
            "printf 'Metadata-Version: 2.1\\nName: b\\nVersion: 1.0\\nRequires-Dist: not-there\\n' > $p/METADATA",
            "requires not-there",
        ),
    ):
        (site.app / "Dockerfile").write_text(sound)
        site.build_with(line)
        site.commit("2")
        done = site.inv("deploy")
        assert done.returncode == 1 and named in done.stdout, done.stdout
        assert site.answer() == "1" and site.containers("green") == {}


def test_an_image_that_vanished_is_named_and_nothing_changes(site):
    site.commit("1")
    first = site.receipt("deploy")["release"]
    site.commit("2")
    site.receipt("deploy")
    site.docker("rm", "--force", *site.containers("blue"))
    site.docker("rmi", "--force", f"switchyard/{site.name}/web:{first}")
    done = site.inv("rollback")
    assert done.returncode == 4 and "images of web are gone" in done.stdout, done.stdout
    assert site.answer() == "2"
