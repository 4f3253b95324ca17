"""What containers mount of the host is there, and each service's own user can read its secrets and configs."""

from __future__ import annotations

from pathlib import Path

from switchyard.control.refusals import judgement_of_sources
from switchyard.core.split.host_sources import Judgement, host_sources
from switchyard.predeploy.configuration.findings import named_finding
from switchyard.predeploy.engine import waivers
from switchyard.predeploy.engine.check import Check, never
from switchyard.predeploy.engine.result import Result, skipped, unknown
from switchyard.predeploy.engine.subject import Subject

RULE = "source-missing"


def run(subject: Subject) -> Result:
    """Look at every source on every machine."""
    if subject.document is None:
        return unknown(subject.unresolved)
    if not host_sources(subject.document, subject.app, subject.images, ""):
        return skipped("no service mounts anything of a host that the commit does not hold")
    if not subject.host:
        return skipped("services mount files of a host: name it with --host")
    judgements, problems = subject.read_machines(_judge_machine)
    findings = []
    for machine, judgement in judgements:
        problems += [f"{machine.machine}: {text}" for text in judgement.unknown]
        for text in judgement.problems:
            what, _, do = text.partition(". ")
            findings.append((what, named_finding(RULE, f"{machine.machine}:{what}", f"{machine.machine}: {what}", do)))
    return waivers.judge(subject, (RULE,), findings, [f"{len(judgements)} machines"], problems)


def _judge_machine(subject: Subject) -> Judgement:
    """Ask one machine for the rights of every source."""
    answer, document = subject.answer, subject.document
    assert answer is not None and document is not None
    return judgement_of_sources(subject.channel, host_sources(document, subject.app, subject.images, answer.facts.root))


CHECK = Check(
    name="sources",
    group="configuration",
    proves="the host has every file and folder that services mount of it, and each service can read its secrets",
    needs="--host",
    run=run,
    source=Path(__file__),
    lasts=never,
    waits=True,
)
