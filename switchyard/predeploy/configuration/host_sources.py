"""What containers mount of the host is there and is the application's, and each service can read its secrets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from switchyard.control import work_tree
from switchyard.control.refusals import judgement_of_sources, reached_there
from switchyard.core.errors import BadInput
from switchyard.core.host_reach import Reach
from switchyard.core.split import split
from switchyard.core.split.host_sources import Judgement, host_sources
from switchyard.predeploy.configuration.findings import named_finding
from switchyard.predeploy.engine import waivers
from switchyard.predeploy.engine.check import Check, never
from switchyard.predeploy.engine.result import Finding, Result, skipped, unknown
from switchyard.predeploy.engine.subject import Subject

RULE = "source-missing"
RELEASE = "RELEASE"
"""Stands for the id of the release that a deploy would make."""


def run(subject: Subject) -> Result:
    """Look at every source on every machine."""
    if subject.document is None:
        return unknown(subject.unresolved)
    if not (host_sources(subject.document, subject.app, subject.images, "") or _mounts_of_the_host(subject)):
        return skipped("no service mounts anything of a host that the commit does not hold")
    if not subject.host:
        return skipped("services mount files of a host: name it with --host")
    judgements, problems = subject.read_machines(_judge_machine)
    findings = []
    for machine, (judgement, reached) in judgements:
        findings += [_refused(machine.machine, reach) for reach in reached]
        problems += [f"{machine.machine}: {text}" for text in judgement.unknown]
        for text in judgement.problems:
            what, _, do = text.partition(". ")
            findings.append((what, named_finding(RULE, f"{machine.machine}:{what}", f"{machine.machine}: {what}", do)))
    return waivers.judge(subject, (RULE,), findings, [f"{len(judgements)} machines"], problems)


def _judge_machine(subject: Subject) -> tuple[Judgement, list[Reach]]:
    """Ask one machine for the rights of every source, and where each one leads."""
    answer, document = subject.answer, subject.document
    assert answer is not None and document is not None
    root = answer.facts.root
    judgement = judgement_of_sources(subject.channel, host_sources(document, subject.app, subject.images, root))
    try:
        parts = split(
            document,
            app=subject.app,
            release=RELEASE,
            root=root,
            tracked=_files(subject),
            folder=subject.app.project_folder,
            facts=replace(subject.images, volumes=answer.facts.image_volumes),
        )
    except BadInput as error:
        why = f"what services reach of the host is unknown: {error}"
        return judgement._replace(unknown=(*judgement.unknown, why)), []
    return judgement, reached_there(subject.channel, parts, subject.waivers)


def _files(subject: Subject) -> frozenset[str]:
    """Return the files that a release of the tree has, relative to its top."""
    if not subject.clean:
        return frozenset(work_tree.names(subject.top))
    paths = (path for path in subject.top.rglob("*") if path.is_symlink() or not path.is_dir())
    return frozenset(str(path.relative_to(subject.top)) for path in paths)


def _mounts_of_the_host(subject: Subject) -> bool:
    """Return whether a service mounts a folder under ``data/``, in which a container may have put a link."""
    document = subject.document
    assert document is not None
    mounts = (mount for service in document.enabled.values() for mount in service.mounts)
    return bool(subject.app.data) and any(mount.type == "bind" for mount in mounts)


def _refused(machine: str, reach: Reach) -> tuple[str, Finding]:
    """Return a finding in the words with which the machine would refuse a deploy."""
    name = f"{reach.service}:{reach.thing}"
    what, _, do = reach.refusal.partition(". ")
    return name, named_finding(reach.rule, name, f"{machine}: {what}", do)


CHECK = Check(
    name="sources",
    group="configuration",
    proves="the host has what services mount of it, that is the application's own, and each can read its secrets",
    needs="--host",
    run=run,
    source=Path(__file__),
    lasts=never,
    waits=True,
)
