"""What a Dockerfile takes from elsewhere, files of its build context and images, and what its image declares."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from switchyard.core.wire import json_text

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

    @property
    def path(self) -> str:
        """Where the source is in the context: a build takes the context for the root, and nothing is above that."""
        return posixpath.normpath(f"/{self.source}").lstrip("/") or "."


class Recipe(NamedTuple):
    """What a build makes its image from, and what it declares, as far as the text tells."""

    base: str
    """The image that its stages begin from; empty where the text does not tell."""
    volumes: tuple[str, ...]
    user: str
    """Empty where no instruction sets it: it is the base image's."""
    command: str
    """What its containers run, as the instructions write it; empty where it is the base image's."""
    healthcheck: str = ""
    """Empty where no instruction sets it: it is the base image's."""


@dataclass
class _Stage:
    base: str
    name: str
    lines: list[tuple[str, str]] = field(default_factory=list)
    """Each instruction's name in upper case, with what follows it."""
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


def recipe(
    text: str,
    target: str | None = None,
    args: Mapping[str, str] | None = None,
    contexts: Mapping[str, str] | None = None,
) -> Recipe:
    """Return what the build of a stage makes. ``args`` are the build's arguments, ``contexts`` its named contexts."""
    lineage = _lineage(_stages(text, args), target)
    base = lineage[-1].sources[0] if lineage else ""
    named = (contexts or {}).get(base, "")
    if named:
        base = named.removeprefix("docker-image://") if named.startswith("docker-image://") else ""
    lines = [line for stage in reversed(lineage) for line in stage.lines]
    values = {**_values(lines), **(args or {})}
    command = " ".join(filter(None, (_last(lines, "ENTRYPOINT"), _last(lines, "CMD"))))
    user = _filled(_last(lines, "USER"), values)
    healthcheck = _last(lines, "HEALTHCHECK")
    return Recipe("" if "$" in base else base, _volumes(lines, values), user, command, healthcheck)


def _lineage(stages: list[_Stage], target: str | None) -> list[_Stage]:
    """Return the target stage, the one that it is built on, and so on to the one that begins from an image."""
    lineage: list[_Stage] = []
    name = (target or stages[-1].name).lower() if stages else ""
    for place, stage in reversed([*enumerate(stages)]):
        if name == stage.name or (not lineage and name == str(place)):
            lineage.append(stage)
            name = stage.base
    return lineage


def _last(lines: list[tuple[str, str]], instruction: str) -> str:
    """Return what follows the last instruction of a name; empty where there is none."""
    return next((rest for name, rest in reversed(lines) if name == instruction), "")


def _volumes(lines: list[tuple[str, str]], values: Mapping[str, str]) -> tuple[str, ...]:
    """Return what the instructions declare as volumes, without paths whose variables nothing sets."""
    paths = (_filled(word, values) for name, rest in lines if name == "VOLUME" for word in _words(rest))
    return tuple(dict.fromkeys(posixpath.normpath(path) for path in paths if path.startswith("/") and "$" not in path))


def _values(lines: list[tuple[str, str]]) -> dict[str, str]:
    """Return the variables that instructions set: defaults of arguments, and the environment."""
    values: dict[str, str] = {}
    for name, rest in lines:
        if name in ("ARG", "ENV"):
            words = _words(rest)
            pairs = [word.partition("=") for word in words if "=" in word]
            if name == "ENV" and len(words) > 1 and "=" not in words[0]:
                pairs = [(words[0], "=", " ".join(words[1:]))]
            values.update({key: _filled(value, values) for key, _, value in pairs})
    return values


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda variable: _expanded(variable, values), text)


def _stages(text: str, args: Mapping[str, str] | None = None) -> list[_Stage]:
    stages: list[_Stage] = []
    values: dict[str, str] = {}
    for number, line in _instructions(text):
        if start := _FROM.match(line):
            name = start.group("name") or str(len(stages))
            base = _filled(start.group("base"), values)
            stages.append(_Stage(base.lower(), name.lower(), sources=[base]))
        elif not stages:
            if argument := _ARG.match(line):
                default = (argument.group("default") or "").strip("\"'")
                default = _filled(default, values)
                values[argument.group("name")] = (args or {}).get(argument.group("name"), default)
        else:
            name, _, rest = line.partition(" ")
            stages[-1].lines.append((name.upper(), rest.strip()))
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
        return [str(word) for word in json_text.parse_list(rest)] if rest.startswith("[") else shlex.split(rest)
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
