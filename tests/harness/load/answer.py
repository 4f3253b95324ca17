"""Reading one HTTP/1.1 response from a stream."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """A response without its body."""

    status: int
    release: str | None
    """The release that the response names in its header."""
    reusable: bool
    """Whether the connection can carry another request."""


async def read_answer(reader: asyncio.StreamReader, release_header: bytes) -> Answer:
    """Read one response to its end. Raise ``IncompleteReadError`` where the connection ends before it."""
    status = 100
    while status < 200:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head[:-4].split(b"\r\n")
        version, status = parse_status(first)
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
    ends_connection = await skip_body(reader, status, headers)
    connection = headers.get(b"connection", b"").lower()
    is_kept = connection != b"close" and (version != b"HTTP/1.0" or connection == b"keep-alive")
    release = headers.get(release_header)
    return Answer(status, release.decode("latin-1") if release is not None else None, is_kept and not ends_connection)


def parse_status(line: bytes) -> tuple[bytes, int]:
    """Return version and status of a response's first line. Raise ``ValueError`` where it is not HTTP/1."""
    version, _, remainder = line.partition(b" ")
    if not version.startswith(b"HTTP/1.") or not remainder[:3].isdigit():
        raise ValueError(f"no HTTP answer: {line[:40]!r}")
    return version, int(remainder[:3])


async def skip_body(reader: asyncio.StreamReader, status: int, headers: Mapping[bytes, bytes]) -> bool:
    """Read the body, and return whether it ends only where the connection ends."""
    if status in (204, 304):
        return False
    if headers.get(b"transfer-encoding", b"").lower() == b"chunked":
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            await reader.readexactly(size + 2)
        while await reader.readuntil(b"\r\n") != b"\r\n":
            pass
        return False
    if b"content-length" in headers:
        await reader.readexactly(int(headers[b"content-length"]))
        return False
    while await reader.read(65536):
        pass
    return True
