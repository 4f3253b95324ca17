"""What a Dockerfile takes from elsewhere: files of its build context, and images."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

_FROM = re.compile(r"FROM\s+(?:--\S+\s+)*(?P<base>\S+)(?:\s+AS\s+(?P<name>\S+))?", re.IGNORECASE)
_COPY = re.compile(r"(?:COPY|ADD)\s+(?P<flags>(?:--\S+\s+)*)(?P<rest>.+)", re.IGNORECASE | re.DOTALL)
_ARG = re.compile(r"ARG\s+(?P<name>\w+)(?:=(?P<default>\S*))?", re.IGNORECASE)
_VARIABLE = re.compile(r"\$(?:(?P<bare>\w+)|\{(?P<name>\w+)(?::?(?P<sign>[-+])(?P<word>[^}]*))?\})")
_MOUNTED = re.compile(r"\bfrom=([\w.-]+)")
_TAKEN_FROM = re.compile(r"\bfrom=([^\s,]+)")
_HEREDOC = re.compile(r"<<-?\s*[\"']?(\w+)")
_ELSEWHERE = re.compile(r"[*?\[\]$]|://|^git@|^\.\.")
"""Patterns, variables, addresses and ways out of the context: only the build knows what they name."""


class Copy(NamedTuple):
    """A file or folder of the build context that an instruction copies."""

    line: int
    """The number of the instruction's first line."""
    source: str


@dataclass
class _Stage:
    base: str
    name: str
    uses: list[str] = field(default_factory=list)
    """The stages that its instructions mount from."""
    copies: list[Copy] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    """The images and stages that it starts from and takes files from, as they are written."""


def copied(text: str, target: str | None = None) -> list[Copy]:
    """Return what the build of a stage copies. ``target`` is the stage's name; by default it is the last stage."""
    stages = _stages(text)
    return sorted(copy for stage in _needed(stages, target) for copy in stage.copies)


def bases(text: str, target: str | None = None, args: Mapping[str, str] | None = None) -> list[str]:
    """Return the images that the build of a stage starts or takes files from. ``args`` are the build's arguments."""
    stages = _stages(text, args or {})
    own = {stage.name for stage in stages} | {str(place) for place in range(len(stages))}
    sources = [source for stage in _needed(stages, target) for source in stage.sources]
    return sorted({source for source in sources if source and source.lower() not in own and "$" not in source})


def _stages(text: str, args: Mapping[str, str] | None = None) -> list[_Stage]:
    stages: list[_Stage] = []
    values: dict[str, str] = {}
    for number, line in _instructions(text):
        if start := _FROM.match(line):
            name = start.group("name") or str(len(stages))
            base = _VARIABLE.sub(lambda variable: _expanded(variable, values), start.group("base"))
            stages.append(_Stage(base.lower(), name.lower(), sources=[base]))
        elif not stages:
            if argument := _ARG.match(line):
                default = (argument.group("default") or "").strip("\"'")
                values[argument.group("name")] = (args or {}).get(argument.group("name"), default)
        else:
            stages[-1].sources += _TAKEN_FROM.findall(line)
            stages[-1].uses += [name.lower() for name in _MOUNTED.findall(line)]
            stages[-1].copies += [Copy(number, source) for source in _sources(line)]
    return stages


def _expanded(variable: re.Match[str], values: Mapping[str, str]) -> str:
    """Return what stands for a variable of a ``FROM``; the variable itself where nothing sets it."""
    value, word = values.get(variable.group("bare") or variable.group("name")), variable.group("word")
    if variable.group("sign") == "+":
        return word if value else ""
    if variable.group("sign") == "-":
        return value or word
    return variable.group(0) if value is None else value


def _sources(line: str) -> list[str]:
    """Return what an instruction copies from the context by name."""
    copy = _COPY.match(line)
    if copy is None or "--from=" in copy.group("flags") or _HEREDOC.search(line):
        return []
    return [source for source in _words(copy.group("rest"))[:-1] if not _ELSEWHERE.search(source)]


def _needed(stages: list[_Stage], target: str | None) -> list[_Stage]:
    """Return the target stage and all that it is built on or mounts from."""
    names = [(target or stages[-1].name).lower()] if stages else []
    needed: list[_Stage] = []
    while names:
        name = names.pop()
        for place, stage in enumerate(stages):
            if name in (stage.name, str(place)) and stage not in needed:
                needed.append(stage)
                names += [stage.base, *stage.uses]
    return needed


def _words(rest: str) -> list[str]:
    try:
        return [str(word) for word in json.loads(rest)] if rest.startswith("[") else shlex.split(rest)
    except ValueError:
        return []


def _instructions(text: str) -> Iterator[tuple[int, str]]:
    """Yield each instruction in one line, after the number of its first line. A heredoc's content is no instruction."""
    lines = enumerate(text.splitlines(), start=1)
    for number, first in lines:
        whole = first.strip()
        if not whole or whole.startswith("#"):
            continue
        while whole.endswith("\\"):
            _, more = next(lines, (0, ""))
            whole = whole[:-1] + ("\\" if more.lstrip().startswith("#") else more.strip())
        yield number, whole
        for end in _HEREDOC.findall(whole):
            while next(lines, (0, end))[1].strip() != end:
                pass
