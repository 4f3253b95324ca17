"""What a Dockerfile takes from its build context, as far as it says so by name."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field

_FROM = re.compile(r"FROM\s+(?:--\S+\s+)*(?P<base>\S+)(?:\s+AS\s+(?P<name>\S+))?", re.IGNORECASE)
_COPY = re.compile(r"(?:COPY|ADD)\s+(?P<flags>(?:--\S+\s+)*)(?P<rest>.+)", re.IGNORECASE | re.DOTALL)
_MOUNTED = re.compile(r"\bfrom=([\w.-]+)")
_HEREDOC = re.compile(r"<<-?\s*[\"']?(\w+)")
_ELSEWHERE = re.compile(r"[*?\[\]$]|://|^git@|^\.\.")
"""Patterns, variables, addresses and ways out of the context: what they name is known to the build alone."""


@dataclass
class _Stage:
    base: str
    name: str
    uses: list[str] = field(default_factory=list)
    sources: list[tuple[int, str]] = field(default_factory=list)


def copied(text: str, target: str | None = None) -> list[tuple[int, str]]:
    """The line and the name of each file or folder that the build of ``target``, by default the last stage, copies."""
    stages: list[_Stage] = []
    for number, line in _instructions(text):
        if start := _FROM.match(line):
            stages.append(_Stage(start["base"].lower(), (start["name"] or str(len(stages))).lower()))
        elif stages:
            stages[-1].uses += [name.lower() for name in _MOUNTED.findall(line)]
            if (copy := _COPY.match(line)) and "--from=" not in copy["flags"] and not _HEREDOC.search(line):
                names = [name for name in _words(copy["rest"])[:-1] if not _ELSEWHERE.search(name)]
                stages[-1].sources += [(number, name) for name in names]
    wanted = [(target or stages[-1].name).lower()] if stages else []
    needed: list[_Stage] = []
    while wanted:
        name = wanted.pop()
        for place, stage in enumerate(stages):
            if name in (stage.name, str(place)) and stage not in needed:
                needed.append(stage)
                wanted += [stage.base, *stage.uses]
    return sorted(source for stage in needed for source in stage.sources)


def _words(rest: str) -> list[str]:
    try:
        return [str(word) for word in json.loads(rest)] if rest.startswith("[") else shlex.split(rest)
    except ValueError:
        return []


def _instructions(text: str) -> Iterator[tuple[int, str]]:
    """Each instruction in one line, with the number of its first; what a heredoc holds is none."""
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
