"""A link in the way of a folder, put there after a release was admitted: nothing starts through it."""

from __future__ import annotations


def test_a_link_that_appears_in_place_of_data_is_refused_before_anything_starts_through_it(site):
    site.rewrite("    build: .\n", "    build: .\n    volumes: ['./uploads:/uploads']\n")
    site.settings(data={"./uploads": "data"})
    releases = []
    for version in ("1", "2"):
        site.commit(version)
        releases.append(site.receipt("deploy")["release"])
    uploads, kept = f"{site.root}/data/uploads", f"{site.root}/data/kept"
    site.run("sh", "-c", f"mv {uploads} {kept} && ln -s /etc {uploads}")
    moved = f"{uploads} leads to /etc"
    for words, code in (
        (("restart",), 6),
        (("scale", "--service", "web", "--count", "2"), 6),
        (("predeploy", "--only", "sources"), 1),
    ):
        done = site.inv(*words)
        assert done.returncode == code and moved in " ".join(done.stdout.split()), done.stdout
    assert site.answer() == "2"
    site.docker("stop", *site.containers("blue"))
    back = site.inv("rollback")
    assert back.returncode == 1 and moved in " ".join(back.stdout.split()) and site.answer() == "2", back.stdout
    site.commit("3")
    planned = site.inv("plan")
    assert planned.returncode == 4 and moved in " ".join(planned.stdout.split()), planned.stdout
    refused = site.inv("deploy")
    assert refused.returncode == 1 and moved in " ".join(refused.stdout.split()), refused.stdout
    waived = site.inv("deploy", "--skip", "sources", "--reason", "try the machine itself")
    assert waived.returncode == 4 and "host-path" in waived.stdout, waived.stdout
    site.run("sh", "-c", f"rm {uploads} && mv {kept} {uploads}")
    assert site.inv("rollback").returncode == 0 and site.answer() == "1"
