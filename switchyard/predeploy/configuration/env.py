"""The host's env: what the application needs is set, not empty, of its form, and no placeholder."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from switchyard.control import compose as resolve
from switchyard.core.errors import BadInput
from switchyard.predeploy.engine import compose_source as written
from switchyard.predeploy.engine import waivers as waive
from switchyard.predeploy.engine.check import Check, Finding, Result, Subject, never, skipped, unknown
from switchyard.predeploy.engine.secret_patterns import is_open, is_placeholder, is_secret_name
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
MOST_PORT = 65535


@dataclass
class Wanted:
    """What is asked of one variable, and by whom."""

    by: list[str] = field(default_factory=list)
    required: bool = False
    may_be_empty: bool = True


def run(subject: Subject) -> Result:
    """The env of the host, against compose document, example, settings and the live release."""
    if subject.host is None:
        return skipped("the env is a host's: name it with --host")
    wanted = _wanted(subject)
    own = _values(subject, ".env")
    findings = list(judge({**own, **subject.env}, wanted, subject.setting.env.forms, _values(subject, EXAMPLE)))
    lost, problems = _lost(subject)
    findings += lost
    if subject.document is None and not findings:
        return unknown(subject.unresolved)
    required = sum(want.required for want in wanted.values())
    example = EXAMPLE if (subject.folder / EXAMPLE).is_file() else f"no {EXAMPLE}"
    sources = f"{subject.app.compose}, {example} and the settings"
    looked = [f"{len(subject.env)} variables of {subject.host}", f"{required} required by {sources}"]
    return waive.judge(subject, RULES, [(finding.place, finding) for finding in findings], looked, problems)


def _wanted(subject: Subject) -> dict[str, Wanted]:
    setting, wanted = subject.setting.env, {}
    for variable in written.variables(subject).values():
        wanted[variable.name] = Wanted([subject.app.compose], variable.required, variable.may_be_empty)
    for name in _values(subject, EXAMPLE):
        known = wanted.setdefault(name, Wanted(required=True, may_be_empty=False))
        known.by.append(EXAMPLE)
        if known.required:
            known.may_be_empty = False
    for name in setting.optional:
        known = wanted.setdefault(name, Wanted())
        # What Compose itself refuses stays required, whatever the settings say.
        known.required = known.required and subject.app.compose in known.by
        known.may_be_empty = True
    for name in setting.required:
        wanted[name] = Wanted(["app.predeploy.env.required"], required=True, may_be_empty=False)
    return wanted


def _values(subject: Subject, name: str) -> dict[str, str]:
    path = subject.folder / name
    try:
        return resolve.env_values(path.read_text()) if path.is_file() else {}
    except BadInput as error:
        raise BadInput(str(error).replace("the env of the host's settings", name)) from None


def judge(
    values: Mapping[str, str],
    wanted: Mapping[str, Wanted],
    forms: Mapping[str, VariableSetting],
    example: Mapping[str, str],
) -> Iterator[Finding]:
    """What is wrong with an env. No finding shows a value."""
    for name, want in wanted.items():
        if name not in values:
            if want.required:
                yield _found(
                    "env-missing", name, f"{name} is not set, and {' and '.join(want.by)} needs it", "set it in"
                )
        elif not values[name].strip() and want.required and not want.may_be_empty:
            do = "give it a value, or name it under app.predeploy.env.optional, in"
            yield _found("env-empty", name, f"{name} is empty, and {' and '.join(want.by)} needs it", do)
    for name, value in values.items():
        if is_placeholder(value):
            yield _found("env-placeholder", name, f"{name} is still a placeholder", "give it its real value in")
        elif value and value == example.get(name) and is_secret_name(name) and not is_open(value):
            what = f"{name} is what {EXAMPLE} shows to everybody"
            yield _found("env-published", name, what, "give it a value of its own in")
        elif name in forms and value and (form := _broken(forms[name], value)):
            yield _found("env-form", name, f"{name} is not {form}", "correct it in")


def _broken(setting: VariableSetting, value: str) -> str:
    """The form that a value does not have; nothing where it has it."""
    if setting.pattern is not None and not re.fullmatch(setting.pattern, value):
        return f"of the form {setting.pattern}"
    if setting.form is None:
        return ""
    if setting.form == "port":
        fits = value.isdigit() and 1 <= int(value) <= MOST_PORT
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
    """What a live release has and this one would not, and the machines of which that is not known."""
    lost: dict[str, str] = {}
    answers, problems = subject.of_machines(lambda each: each.facts.get("live") or {})
    for each, live in answers:
        for name in set(live.get("env_keys") or ()) - subject.env.keys():
            lost.setdefault(name, f"{live['id']}, which is live" + f" on {each.machine}" * bool(subject.others))
    do = "set it again; a deploy refuses to lose it:"
    found = [
        _found("env-lost", name, f"{name} is set for {where}, and no more", do) for name, where in sorted(lost.items())
    ]
    return found, problems


def _found(rule: str, name: str, what: str, do: str) -> Finding:
    return Finding(rule, what, place=name, do=f"{do} the env of the host's settings (hosts.NAME.env)", text=name)


CHECK = Check(
    name="env",
    group="configuration",
    proves="every variable that the application needs is set for the host, not empty, of its form, and no placeholder",
    needs="--host; .env.example and app.predeploy.env for what the compose document does not say",
    run=run,
    source=Path(__file__),
    lasts=never,
)
