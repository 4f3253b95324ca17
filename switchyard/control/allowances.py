"""What an application's commits may use, from every place that they cannot write to.

A place is the checkout's settings, unless the application's repository tracks them; the person's own file; and
allow.json of the host.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

from switchyard.control.git import git, top_of
from switchyard.core.errors import BadInput, NotChecked
from switchyard.core.wire.allowance import NOTHING, Allowance
from switchyard.settings import allow_file
from switchyard.settings.model import Host
from switchyard.settings.yaml_file import line_of

SETTINGS = ("invoke.yaml", ".switchyard/hosts.yaml")
"""The files of a checkout's settings."""
SETTING, FLAGS = "<setting>", "<flags>"
"""What stands for an allowance as YAML, and as the flags of a verb."""


@dataclass(frozen=True)
class Need:
    """What one setting of the checks asks for."""

    setting: tuple[str, ...]
    """The path of its key below ``app.predeploy``."""
    use: Allowance


@dataclass(frozen=True)
class Allowances:
    """What the checks of an application may use. The default is nothing."""

    allowance: Allowance = NOTHING
    is_operators: bool = False
    """Whether the settings of the checks are the operator's own, so that nobody else asks for anything."""
    text: str = ""
    """The commit's settings, for the line that asks."""
    how: str = f"Allow it in the settings of a separate checkout under app: allow: {SETTING}"
    """How to allow more, with what stands for it."""

    def require(self, needs: Iterable[Need]) -> None:
        """Raise ``NotChecked`` for what nobody allows, each need with the line that allows it."""
        refusals = [self._refusal(need) for need in needs if self.lacks(need.use)]
        if refusals:
            raise NotChecked("\n".join(refusals))

    def lacks(self, use: Allowance) -> bool:
        """Return whether something of it is not allowed."""
        return not self.is_operators and bool(self.allowance.lacking(use))

    def _refusal(self, need: Need) -> str:
        missing = self.allowance.lacking(need.use)
        path = ["app", "predeploy", *need.setting]
        line = f" (invoke.yaml:{line_of(self.text, path)})" if self.text else ""
        how = self.how.replace(SETTING, missing.setting()).replace(FLAGS, missing.flags())
        return f"{'.'.join(path)}{line} {', '.join(missing.sentences())}, which a commit cannot allow itself. {how}"


NOTHING_ALLOWED = Allowances()


def allowances_of(host: Host, text: str | None, answers: Sequence[Allowance] = ()) -> Allowances:
    """Return what the checks may use. ``text`` is the commit's settings, ``answers`` what each machine allows."""
    top, separate = top_of(host.app_folder), is_separate(host)
    own = host.app_setting.allow if separate else None
    if tracks(top, allow_file.path()):
        raise BadInput(f"{allow_file.path()} belongs to the application's repository, which must not track it")
    places = [own.allowance() if own else NOTHING, allow_file.read(host.app_folder)]
    on_host = reduce(Allowance.shared, answers) if answers else NOTHING
    return Allowances(
        reduce(Allowance.joined, [*places, on_host]),
        is_operators=separate and host.app_setting.predeploy is not None,
        text=text or "",
        how=_how(host, is_separate=separate),
    )


def is_separate(host: Host) -> bool:
    """Return whether the checkout's settings are the operator's: the application's repository does not track them."""
    top = top_of(host.app_folder)
    return not any(tracks(top, host.checkout / name) for name in SETTINGS)


def tracks(top: Path, file: Path) -> bool:
    """Return whether a repository decides what is in a file: it tracks the file, a link or a submodule on its way."""
    ways = {file.resolve(), *(parent.resolve() / file.relative_to(parent) for parent in file.parents)}
    inside = [way.relative_to(top) for way in ways if way.is_relative_to(top) and way != top]
    names = {os.fsencode(each) for way in inside for each in (way, *way.parents) if each != Path(".")}
    if not names:
        return False
    words = ("ls-files", "-z", "--", *map(os.fsdecode, sorted(names)))
    return not names.isdisjoint(git(top, *words, more={"GIT_LITERAL_PATHSPECS": "1"}).split(b"\0"))


def _how(host: Host, *, is_separate: bool) -> str:
    if is_separate:
        key = f"hosts.{host.name}.app" if host.name and host.setting.app is not None else "app"
        return f"Allow it in {host.checkout / 'invoke.yaml'} under {key}: allow: {SETTING}"
    if host.name:
        return f"Allow it with: inv allow --host {host.name} {FLAGS} --reason WHY"
    return f'Allow it in {allow_file.path()} under allow: "{host.app_folder}": {SETTING}'
