"""What containers mount of the host is there, and each service's own user can read its secrets and configs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from switchyard.control.builds import image_facts
from switchyard.core.split.host_sources import Judgement, host_sources, judge_sources
from switchyard.core.wire.answers import Files
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
    facts = image_facts(subject.document, subject.top, subject.app)
    if not host_sources(subject.document, subject.app, facts, ""):
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
    facts = image_facts(document, subject.top, subject.app)
    sources = host_sources(document, subject.app, facts, answer.facts.root)
    paths = tuple(dict.fromkeys(source.path for source in sources))
    channel = subject.channel
    return judge_sources(sources, channel.ask(replace(channel.request("files"), paths=paths), Files).files)


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
