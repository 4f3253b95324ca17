"""Key files have the rights that they must have, here and on the host."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from switchyard.host.rights import rights
from switchyard.predeploy.configuration.credentials import value_of
from switchyard.predeploy.engine import waivers as waive
from switchyard.predeploy.engine.check import Check, Finding, Result, Subject, never, skipped

RULES = ("file-missing", "file-readable", "file-mode", "file-owner")
OTHERS = 0o077
"""The rights of everybody but the owner."""


@dataclass(frozen=True)
class Private:
    """A file of this machine that nobody but its owner may touch, and why."""

    path: Path
    why: str


def run(subject: Subject) -> Result:
    """The files of the settings, and those whose rights can be told: SSH keys, env files, private keys."""
    private = {each.path: each for each in _private(subject)}
    named = subject.setting.files
    here = {path: setting for path, setting in named.items() if setting.at == "here"}
    there = {path: setting for path, setting in named.items() if setting.at == "host"}
    findings = [finding for each in private.values() for finding in _judge_private(each)]
    for path, setting in here.items():
        findings += _judge(path, setting.mode, setting.owner, rights(_here(subject, path)))
    looked = [f"{len(private) + len(here)} here"]
    asked = there and subject.host
    answers, problems = subject.of_machines(lambda each: _rights_there(each, list(there))) if asked else ([], [])
    for each, found in answers:
        for path, setting in there.items():
            findings += _judge(f"{each.machine}:{path}", setting.mode, setting.owner, found[path])
        looked.append(f"{len(there)} on {each.machine}")
    if there and not subject.host:
        looked.append(f"{len(there)} are a host's: name it with --host")
    if not private and not here and not (there and subject.host):
        return skipped(
            "no file is named: set app.predeploy.files, or name a host with --host for its key and env files"
        )
    told = [(found.place, found) for found in findings]
    return waive.judge(subject, RULES, told, [f"files: {', '.join(looked)}"], problems)


def _rights_there(subject: Subject, paths: list[str]) -> dict[str, Any]:
    assert subject.line is not None
    found: dict[str, Any] = subject.line.ask("files", files=paths)["files"]
    return found


def _private(subject: Subject) -> Iterator[Private]:
    if subject.entry is not None:
        for each in subject.entry.machines:
            if each.key:
                yield Private(_here(subject, each.key), f"the SSH key of {each.name}")
        for name in (subject.entry.env.files if subject.entry.env else None) or ():
            yield Private(_here(subject, name), "the env of the host")
    for name, setting in subject.setting.credentials.items():
        held = value_of(subject, setting.key_from or "")
        if held and "\n" not in held and _is_file(path := _here(subject, held)):
            yield Private(path, f"the private key of {name}")


def _here(subject: Subject, name: str) -> Path:
    path = Path(os.path.expanduser(name))
    return path if path.is_absolute() else subject.checkout / path


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _judge_private(each: Private) -> list[Finding]:
    found, name = rights(each.path), str(each.path)
    if found is None or "why" in found:
        return _judge(name, "0600", None, found)
    if not int(found["mode"], 8) & OTHERS:
        return []
    what = f"{name} has mode {found['mode']}: {each.why} is not its owner's alone"
    return [_found("file-readable", name, what, f"chmod 600 {name}")]


def _judge(name: str, mode: str, owner: str | None, found: dict[str, Any] | None) -> list[Finding]:
    findings = []
    path = name.rpartition(":")[2]
    if found is None:
        return [
            _found("file-missing", name, f"{name} is not there", "put it there, or take it out of app.predeploy.files")
        ]
    if "why" in found:
        return [_found("file-missing", name, f"{name}: {found['why']}", "its folder must be open to this user")]
    if int(found["mode"], 8) != int(mode, 8):
        what = f"{name} has mode {found['mode']}, not {mode.zfill(4)}"
        findings.append(_found("file-mode", name, what, f"chmod {mode} {path}"))
    if owner is not None and found["owner"] != owner:
        what = f"{name} is {found['owner']}'s, not {owner}'s"
        findings.append(_found("file-owner", name, what, f"chown {owner} {path}"))
    return findings


def _found(rule: str, name: str, what: str, do: str) -> Finding:
    return Finding(rule, what, place=name, do=do, text=f"{name} {rule}")


CHECK = Check(
    name="files",
    group="configuration",
    proves="key files have the mode and owner that they must have, and SSH keys and env files are their owner's alone",
    needs="--host, or app.predeploy.files",
    run=run,
    source=Path(__file__),
    lasts=never,
)
