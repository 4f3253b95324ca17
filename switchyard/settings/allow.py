"""``allow``: what an application's commits may use beyond the env of their host."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from switchyard.core.wire.allowance import VARIABLE, Allowance, place
from switchyard.settings.fields import Section
from switchyard.settings.predeploy import WaiverSetting


def _place(text: str) -> str:
    """Return where a value may be sent, in one spelling. Raise ``ValueError`` for anything else."""
    where = place(text)
    if where is None:
        raise ValueError("expected an address such as https://api.example.com, or the name of the variable with it")
    return where


Variable = Annotated[str, Field(pattern=rf"^{VARIABLE}$")]


class AllowSetting(Section):
    """What the application's commits may use. A commit cannot set it."""

    env: list[Variable] = []
    send: dict[Annotated[str, AfterValidator(_place)], list[Variable]] = {}
    files: list[str] = []
    waive: list[WaiverSetting] = []
    """What its services may reach of a host, in the person's own file."""

    def allowance(self) -> Allowance:
        """Return it for the core."""
        send = {to: tuple(names) for to, names in self.send.items()}
        return Allowance(tuple(self.env), send, tuple(self.files))
