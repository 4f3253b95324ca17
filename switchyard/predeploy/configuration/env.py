"""The host's env sets what the application needs, with values of the right form and no placeholders."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from switchyard.control import compose
from switchyard.predeploy.engine import compose_source, waivers
from switchyard.predeploy.engine.check import Check, never
from switchyard.predeploy.engine.result import Finding, Result, skipped, unknown
from switchyard.predeploy.engine.secret_patterns import is_placeholder, is_public, is_secret_name
from switchyard.predeploy.engine.subject import Subject
from switchyard.settings.predeploy import VariableSetting

RULES = ("env-missing", "env-empty", "env-placeholder", "env-published", "env-form", "env-lost")
EXAMPLE = ".env.example"
FORMS = {
    "integer": r"[+-]?\d+",
    "number": r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?",
    "boolean": r"(?i:true|false|yes|no|on|off|1|0)",
    "uuid": r"(?i:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})",
    "email": r"[^@\s]+@[^@\s]+\.[^@\s]+",
    "path": r"(/|\./|\.\./|~/)\S.*|/",
}
PORT_MAX = 65535


@dataclass
class Requirement:
    """What the application requires of a variable."""

    sources: list[str] = field(default_factory=list)
    """The files and the setting that name it."""
    required: bool = False
    may_be_empty: bool = True


def run(subject: Subject) -> Result:
    """Compare the host's env with the compose document, the example, the settings and the live release."""
    if subject.host is None:
        return skipped("the env belongs to a host: name one with --host")
    requirements = _requirements(subject)
    env = {**_env_file(subject, ".env"), **subject.env}
    findings = list(judge(env, requirements, subject.setting.env.forms, _env_file(subject, EXAMPLE)))
    lost, problems = _lost(subject)
    findings += lost
    if subject.document is None and not findings:
        return unknown(subject.unresolved)
    required = sum(requirement.required for requirement in requirements.values())
    example = EXAMPLE if (subject.folder / EXAMPLE).is_file() else f"no {EXAMPLE}"
    sources = f"{subject.app.compose}, {example} and the settings"
    counts = [f"{len(subject.env)} variables of {subject.host}", f"{required} required by {sources}"]
    return waivers.judge(subject, RULES, [(finding.place, finding) for finding in findings], counts, problems)


def _requirements(subject: Subject) -> dict[str, Requirement]:
    setting = subject.setting.env
    requirements: dict[str, Requirement] = {}
    for variable in compose_source.variables(subject).values():
        requirements[variable.name] = Requirement([subject.app.compose], variable.required, variable.may_be_empty)
    for name in _env_file(subject, EXAMPLE):
        requirement = requirements.setdefault(name, Requirement(required=True, may_be_empty=False))
        requirement.sources.append(EXAMPLE)
        if requirement.required:
            requirement.may_be_empty = False
    for name in setting.optional:
        requirement = requirements.setdefault(name, Requirement())
        # What Compose itself refuses stays required, whatever the settings say.
        requirement.required = requirement.required and subject.app.compose in requirement.sources
        requirement.may_be_empty = True
    for name in setting.required:
        requirements[name] = Requirement(["app.predeploy.env.required"], required=True, may_be_empty=False)
    return requirements


def _env_file(subject: Subject, name: str) -> dict[str, str]:
    """Return the variables of an env file of the application; none if it does not exist."""
    return compose.env_values_of(subject.folder / name, subject.top)


def judge(
    env: Mapping[str, str],
    requirements: Mapping[str, Requirement],
    forms: Mapping[str, VariableSetting],
    example: Mapping[str, str],
) -> Iterator[Finding]:
    """Find what is wrong with an env. Its values may be secret: no finding contains one."""
    for name, requirement in requirements.items():
        needed = (
            f"but {' and '.join(requirement.sources)} {'require' if len(requirement.sources) > 1 else 'requires'} it"
        )
        if name not in env:
            if requirement.required:
                yield _finding("env-missing", name, f"{name} is not set, {needed}", "set it in")
        elif not env[name].strip() and requirement.required and not requirement.may_be_empty:
            do = "add it to app.predeploy.env.optional, or set it to a value in"
            yield _finding("env-empty", name, f"{name} is empty, {needed}", do)
    for name, value in env.items():
        if is_placeholder(value):
            yield _finding("env-placeholder", name, f"{name} is still a placeholder", "set it to the real value in")
        elif value and value == example.get(name) and is_secret_name(name) and not is_public(value):
            what = f"{name} has the value in {EXAMPLE}, which everybody with the repository knows"
            yield _finding("env-published", name, what, "set it to a value that only this host uses in")
        elif name in forms and value and (form := _broken_form(forms[name], value)):
            yield _finding("env-form", name, f"{name} is not {form}", "correct it in")


def _broken_form(setting: VariableSetting, value: str) -> str:
    """Name the form that a value lacks; return an empty text if it has it."""
    if setting.pattern is not None and not re.fullmatch(setting.pattern, value):
        return f"of the form {setting.pattern}"
    if setting.form is None:
        return ""
    if setting.form == "port":
        fits = value.isdigit() and 1 <= int(value) <= PORT_MAX
    elif setting.form == "url":
        fits = _is_url(value)
    else:
        fits = re.fullmatch(FORMS[setting.form], value) is not None
    return "" if fits else f"{'an' if setting.form[0] in 'aeio' else 'a'} {setting.form}"


def _is_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return parts.port != 0 and bool(parts.scheme and (parts.hostname or parts.path.startswith("/")))
    except ValueError:
        return False


def _lost(subject: Subject) -> tuple[list[Finding], list[str]]:
    """Find the variables that a live release has and this one lacks, and why some machines cannot be compared."""
    lost: dict[str, str] = {}
    on_machines, problems = subject.read_machines(lambda machine: machine.live)
    for machine, live in on_machines:
        if live is None:
            continue
        for name in set(live.env_keys or ()) - subject.env.keys() - set(subject.dropped):
            where = f" on {machine.machine}" if len(subject.machines) > 1 else ""
            lost.setdefault(name, f"{live.id}, which is live{where}")
    do = "a deploy drops a variable only with --drop-env: name it there, or set it again in"
    findings = [
        _finding("env-lost", name, f"{name} is set for {where}, but not for this release", do)
        for name, where in sorted(lost.items())
    ]
    return findings, problems


def _finding(rule: str, name: str, what: str, do: str) -> Finding:
    return Finding(rule, what, place=name, do=f"{do} the host's env (hosts.NAME.env)", text=name)


CHECK = Check(
    name="env",
    group="configuration",
    proves="the host's env sets every variable that the application needs, to a value of its form and no placeholder",
    needs="--host; .env.example and app.predeploy.env for what the compose document does not tell",
    run=run,
    source=Path(__file__),
    lasts=never,
)
