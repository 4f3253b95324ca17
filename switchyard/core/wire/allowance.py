"""What an application's commit may use beyond the env of its host: it takes somebody else to allow that."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from typing import ClassVar

from switchyard.core.wire.message import Message, key, message

VARIABLE = r"[A-Za-z_][A-Za-z0-9_]*"
"""The form of a variable's name. A host program that only loads this compiles no pattern."""
_ADDRESS = r"(?i:(https?))://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?(?:[/?#].*)?"
_PORTS = {"http": 80, "https": 443}


@message(frozen=True)
class Allowance(Message):
    """allow.json of a host, and the same from other places: values that checks may take, and where they may send them.

    What one place allows counts; nothing takes it back but its removal there.
    """

    VERSION: ClassVar[int | None] = 1

    env: tuple[str, ...] = field(default=(), metadata=key(omitted=True))
    """Variables of the control node's environment that checks and tests may see."""
    send: Mapping[str, tuple[str, ...]] = field(default_factory=dict, metadata=key(omitted=True))
    """Address, or the variable that holds it, to the variables whose values checks may send there."""
    files: tuple[str, ...] = field(default=(), metadata=key(omitted=True))
    """Files of the control node that checks may look at."""

    def __bool__(self) -> bool:
        return bool(self.env or self.send or self.files)

    def lacking(self, use: Allowance) -> Allowance:
        """Return what a use needs and this does not allow."""
        send = {
            to: tuple(name for name in names if name not in self.send.get(to, ()))
            for to, names in use.send.items()
            if to not in self.send or not set(names) <= set(self.send[to])
        }
        return Allowance(_without(use.env, self.env), send, _without(use.files, self.files))

    def joined(self, other: Allowance) -> Allowance:
        """Return what either of two allows."""
        send = {to: _either(self.send.get(to, ()), other.send.get(to, ())) for to in _either(self.send, other.send)}
        return Allowance(_either(self.env, other.env), send, _either(self.files, other.files))

    def shared(self, other: Allowance) -> Allowance:
        """Return what both of two allow."""
        send = {to: _both(names, other.send[to]) for to, names in self.send.items() if to in other.send}
        return Allowance(_both(self.env, other.env), send, _both(self.files, other.files))

    def without(self, other: Allowance) -> Allowance:
        """Return what is left of this once the other is taken back. An address goes with the last of its variables."""
        left = {to: _without(names, other.send.get(to, ())) for to, names in self.send.items()}
        send = {to: names for to, names in left.items() if names or to not in other.send}
        return Allowance(_without(self.env, other.env), send, _without(self.files, other.files))

    def flags(self) -> str:
        """Return it as the flags of ``inv allow``."""
        import shlex

        words = []
        if self.env:
            words.append(f"--env {','.join(self.env)}")
        if self.send:
            places = " ".join(f"{to}={','.join(names)}" for to, names in self.send.items())
            words.append(f"--send {shlex.quote(places)}")
        if self.files:
            words.append(f"--files {shlex.quote(','.join(self.files))}")
        return " ".join(words)

    def setting(self) -> str:
        """Return it as one line of YAML."""
        send = ", ".join(f'"{to}": [{", ".join(names)}]' for to, names in self.send.items())
        parts = [f"env: [{', '.join(self.env)}]"] if self.env else []
        parts += [f"send: {{{send}}}"] if self.send else []
        parts += [f"files: [{', '.join(_quoted(name) for name in self.files)}]"] if self.files else []
        return f"{{{', '.join(parts)}}}"

    def sentences(self) -> Iterator[str]:
        """Yield what it allows, in words."""
        if self.env:
            yield f"takes {', '.join(self.env)} from this machine's environment"
        for to, names in self.send.items():
            yield f"sends {', '.join(names) or 'a request'} to {to}"
        if self.files:
            yield f"looks at {', '.join(self.files)} of this machine"


NOTHING = Allowance()


def origin(address: str) -> str | None:
    """Return scheme, name and port of an address of HTTP; None where one could be read as another.

    No user stands in it, and no character that programs read differently.
    """
    match = re.fullmatch(_ADDRESS, address, re.DOTALL)
    if match is None:
        return None
    scheme, name, port = match.groups()
    scheme, number = scheme.lower(), int(port or _PORTS[scheme.lower()])
    return f"{scheme}://{name.lower()}" + ("" if number == _PORTS[scheme] else f":{number}")


def place(text: str) -> str | None:
    """Return where a value may be sent, in one spelling: an origin or a variable's name. None where it is neither."""
    return text if re.fullmatch(VARIABLE, text) else origin(text)


def _without(names: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if name not in others)


def _both(names: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if name in others)


def _either(names: Iterable[str], others: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*names, *others)))


def _quoted(name: str) -> str:
    return name if re.fullmatch(r"[\w./~-]+", name) and not name.startswith("-") else f'"{name}"'
