"""Key files have the mode and the owner that they must have, on the control node and on the host."""

from __future__ import annotations

import pwd
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from switchyard.core.wire.answers import FileRights, Files
from switchyard.predeploy.configuration.credentials import need, variable_value
from switchyard.predeploy.configuration.findings import named_finding
from switchyard.predeploy.configuration.local_files import local_path, need_of_file
from switchyard.predeploy.engine import waivers
from switchyard.predeploy.engine.check import Check, never
from switchyard.predeploy.engine.result import Finding, Result, skipped
from switchyard.predeploy.engine.subject import Subject
from switchyard.settings.predeploy import FileSetting

RULES = ("file-missing", "file-readable", "file-mode", "file-owner")
GROUP_AND_OTHERS = 0o077
"""The permission bits of everybody but the owner."""


@dataclass(frozen=True)
class Private:
    """A file of the control node that only its owner may access."""

    path: Path
    content: str
    """What the file is, in words."""


def run(subject: Subject) -> Result:
    """Check the files in the settings, and those known to be private: SSH keys, env files, keys of credentials."""
    private = {file.path: file for file in _private(subject)}
    here = {path: setting for path, setting in subject.setting.files.items() if setting.at == "here"}
    there = {path: setting for path, setting in subject.setting.files.items() if setting.at == "host"}
    subject.allowances.require(need_of_file(subject, ("files", path), path) for path in here)
    findings = [finding for file in private.values() for finding in _judge_private(file)]
    for path, setting in here.items():
        findings += _judge(path, setting.mode, setting.owner, read_rights(local_path(subject, path)))
    counts = [f"{len(private) + len(here)} here"]
    problems: list[str] = []
    if there and subject.host:
        on_machines, problems = subject.read_machines(lambda machine: _ask_machine(machine, list(there)))
        for machine, rights in on_machines:
            findings += _judge_machine(machine.machine, there, rights)
            counts.append(f"{len(there)} on {machine.machine}")
    elif there:
        counts.append(f"{len(there)} on the host: name it with --host")
    if not private and not here and not (there and subject.host):
        return skipped(
            "no file to check: set app.predeploy.files, or add --host to check the host's key and its env files"
        )
    return waivers.judge(
        subject, RULES, [(finding.place, finding) for finding in findings], [f"files: {', '.join(counts)}"], problems
    )


def read_rights(path: Path) -> FileRights | None:
    """Return a file's mode and owner, or why they are unknown; None if the file does not exist."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        return FileRights(why=str(error.strerror))
    try:
        owner = pwd.getpwuid(status.st_uid).pw_name
    except KeyError:
        owner = str(status.st_uid)
    return FileRights(mode=f"{status.st_mode & 0o7777:04o}", owner=owner)


def _ask_machine(subject: Subject, paths: list[str]) -> Mapping[str, FileRights | None]:
    channel = subject.channel
    return channel.ask(replace(channel.request("files"), paths=tuple(paths)), Files).files


def _private(subject: Subject) -> Iterator[Private]:
    if subject.entry is not None:
        for machine in subject.entry.machines:
            if machine.key:
                yield Private(local_path(subject, machine.key), f"the SSH key of {machine.name}")
        for name in (subject.entry.env.files if subject.entry.env else None) or ():
            yield Private(local_path(subject, name), "the host's env")
    for name, setting in subject.setting.credentials.items():
        if subject.allowances.lacks(need(subject, name, setting).use):
            continue  # the check of credentials tells what is not allowed
        key = variable_value(subject, setting.key_from or "")
        if key and "\n" not in key and _is_file(path := local_path(subject, key)):
            yield Private(path, f"the private key of {name}")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _judge_machine(
    machine: str, settings: Mapping[str, FileSetting], rights: Mapping[str, FileRights | None]
) -> Iterator[Finding]:
    for path, setting in settings.items():
        yield from _judge(f"{machine}:{path}", setting.mode, setting.owner, rights[path])


def _judge_private(file: Private) -> list[Finding]:
    rights, name = read_rights(file.path), str(file.path)
    if rights is None or rights.why:
        return _judge(name, "0600", None, rights)
    if not _bits(rights.mode) & GROUP_AND_OTHERS:
        return []
    what = f"{name} has mode {rights.mode}: not only its owner can access {file.content}"
    return [named_finding("file-readable", name, what, f"chmod 600 {name}")]


def _judge(name: str, mode: str, owner: str | None, rights: FileRights | None) -> list[Finding]:
    """Compare a file's rights with those in the settings. ``name`` is its path, after ``<machine>:`` on a host."""
    if rights is None:
        do = "create it, or remove it from app.predeploy.files"
        return [named_finding("file-missing", name, f"{name} does not exist", do)]
    if rights.why:
        return [named_finding("file-missing", name, f"{name}: {rights.why}", "give this user access to its folder")]
    findings = []
    path = name.rpartition(":")[2]
    if _bits(rights.mode) != _bits(mode):
        what = f"{name} has mode {rights.mode}, not {mode.zfill(4)}"
        findings.append(named_finding("file-mode", name, what, f"chmod {mode} {path}"))
    if owner is not None and rights.owner != owner:
        what = f"{name} belongs to {rights.owner}, not to {owner}"
        findings.append(named_finding("file-owner", name, what, f"chown {owner} {path}"))
    return findings


def _bits(mode: str | None) -> int:
    return int(mode or "0", 8)


CHECK = Check(
    name="files",
    group="configuration",
    proves="key files have the mode and owner that they must have; only their owner can access SSH keys and env files",
    needs="--host, or app.predeploy.files",
    run=run,
    source=Path(__file__),
    lasts=never,
)
