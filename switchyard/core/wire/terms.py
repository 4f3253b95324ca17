"""Terms that several messages share, with their forms."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from switchyard.core import names
from switchyard.core.wire.message import Form

NAME = r"^[a-z0-9][a-z0-9_-]{0,39}$"
"""The form of an application's or a host's name."""
SERVICE = r"[a-zA-Z0-9._-]+"
"""The form of a service's name."""
ADDRESS = r"[0-9a-fA-F.:]*"
"""The form of an address of a host: digits alone, and no name of an interface."""
LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
ROUTE_NAME = rf"(?=.{{1,253}}\Z)(\*\.)?{LABEL}(\.{LABEL})*"
"""The form of a name that a route takes: in lower case, with ``*`` for one whole label at its begin."""
ROUTE_PATH = r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)+"
"""The form of a path that a route takes: segments that a request may have as they are written."""

AppName: TypeAlias = Annotated[str, Form(pattern=NAME)]
HostName: TypeAlias = Annotated[str, Form(pattern=NAME)]
MachineName: TypeAlias = Annotated[str, Form(pattern=".")]
AttemptId: TypeAlias = Annotated[str, Form(pattern=r"^[0-9]{8}T[0-9]{6}-[0-9a-f]{6}b*$")]
"""One run of a verb."""
ReleaseId: TypeAlias = Annotated[str, Form(pattern=r"^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{7,40}$")]
"""A release: UTC time and short commit."""
CommitId: TypeAlias = Annotated[str, Form(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$")]
TreeId: TypeAlias = Annotated[str, Form(pattern=r"^[0-9a-f]{40,64}$")]
ImageId: TypeAlias = Annotated[str, Form(pattern=r"^sha256:[0-9a-f]{64}$")]
Hash: TypeAlias = Annotated[str, Form(pattern=r"^[0-9a-f]{16}$")]
NonEmpty: TypeAlias = Annotated[str, Form(pattern=r"(?s).")]
Port: TypeAlias = Annotated[int, Form(least=1, most=65535)]
Count: TypeAlias = Annotated[int, Form(least=0)]
Positive: TypeAlias = Annotated[int, Form(least=1, is_checked=True)]
Seconds: TypeAlias = Annotated[float, Form(least=0, most=10**11, is_checked=True)]
"""A duration or a time. The limit lies 3,000 years ahead, and every clock can show it."""
Colour: TypeAlias = Annotated[str, Form(choices=names.COLOURS)]
Target: TypeAlias = Annotated[str, Form(choices=(*names.COLOURS, "none"))]
"""Where traffic goes: a colour, or none."""
Mode: TypeAlias = Annotated[str, Form(choices=("http", "tcp"))]
ServiceName: TypeAlias = Annotated[str, Form(pattern=SERVICE, is_checked=True)]
"""A service, as Compose lets it be called."""
RoutedPort: TypeAlias = Annotated[int, Form(least=0, most=65535, is_checked=True)]
"""A port that stands in the edge's configuration."""
HostAddress: TypeAlias = Annotated[str, Form(pattern=ADDRESS, is_checked=True)]
"""An address of a host without brackets; empty for every address."""
HostNetwork: TypeAlias = Annotated[str, Form(pattern=rf"{ADDRESS}/[0-9]+", is_checked=True)]
"""A network, as the edge's configuration names it."""
Listen: TypeAlias = Annotated[str, Form(pattern=r"([0-9a-fA-F.:\[\]]*:)?[0-9]+", is_checked=True)]
"""A public address as a person writes it: a port, or ``ADDRESS:PORT``."""
TlsVersion: TypeAlias = Annotated[str, Form(choices=("1.2", "1.3"))]
RouteName: TypeAlias = Annotated[str, Form(pattern=f"({ROUTE_NAME})?", is_checked=True)]
"""The name that a route takes; empty for every name."""
RoutePath: TypeAlias = Annotated[str, Form(pattern=f"({ROUTE_PATH})?", is_checked=True)]
"""The path below which a route takes requests; empty for every path."""
ReleaseState: TypeAlias = Annotated[
    str, Form(choices=("prepared", "failed", "live", "good", "unverified", "bad", "applied"))
]
ExitCode: TypeAlias = Annotated[int, Form(choices=(0, 1, 2, 3, 4, 5, 6, 7, 75, 130))]
"""The exit code of a verb."""
CheckOutcome: TypeAlias = Annotated[str, Form(choices=("pass", "fail", "unknown", "skipped"))]
