"""``inv doctor``: what it finds on the control node, and on a host that answers."""

from __future__ import annotations

from dataclasses import fields, replace

from switchyard.core.wire.answers import DoctorAnswer, EdgePlace
from switchyard.core.wire.facts import Facts, PlainContainer
from switchyard.verbs.doctor import look_there
from tests.harness.command_line import PROD, checkout, inv
from tests.harness.machine_answers import FACTS

WELL = DoctorAnswer(
    **{field.name: getattr(FACTS, field.name) for field in fields(Facts)},
    compose="Docker Compose version v2.30",
    git="git version 2.47",
    clock=1000.0,
    plain=(),
    journal=(),
    networks_free=9,
    place=EdgePlace(),
)


def test_without_a_host_doctor_looks_at_this_machine_and_its_settings(tmp_path):
    folder = checkout(tmp_path)
    well = inv(folder, "doctor")
    assert well.returncode == 0 and "all is well on this machine. Look at a host with --host: prod" in well.stdout
    without = tmp_path / "tools"
    without.mkdir()
    ill = inv(folder, "doctor", PATH=str(without))
    assert ill.returncode == 1 and "git is not installed on this machine (Debian: apt-get install git)" in ill.stdout
    (folder / "invoke.yaml").write_text(PROD.replace("machines:", "machins:"))
    wrong = inv(folder, "doctor")
    assert wrong.returncode == 2 and "did you mean machines" in wrong.stderr, wrong.stderr


def test_a_host_that_is_well_has_no_finding():
    assert list(look_there(WELL, 1000.0)) == []


def test_what_would_stop_a_deploy_on_a_host_is_told_with_what_to_do():
    ill = replace(
        WELL,
        disks={"/srv": 700 << 20},
        compose=None,
        git=None,
        clock=1010.0,
        plain=(PlainContainer("shop", "db", "running", "/srv/shop"),),
        journal=("line 3 is torn",),
        networks_free=1,
    )
    findings = list(look_there(ill, 1000.0))
    starts = ("the disk of /srv has 700 MiB free", "its clock is 10 s off", "docker compose is not", "git is not")
    starts += (
        "db of the plain project shop in /srv/shop is running",
        "its engine has 1 address ranges left",
        "journal:",
    )
    assert [text for text, start in zip(findings, starts, strict=True) if not text.startswith(start)] == []
