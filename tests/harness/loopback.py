"""Servers on loopback for tests: an HTTP server that behaves as a test says, and any asyncio server in a thread."""

from __future__ import annotations

import asyncio
import contextlib
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeAlias

import websockets.asyncio.server

AnyServer: TypeAlias = asyncio.Server | websockets.asyncio.server.Server
Behave: TypeAlias = Callable[["Request"], Awaitable[None]]


class Request:
    """One request as the server saw it, and the ways to answer it."""

    def __init__(self, number: int, connection: int, head: bytes, body: bytes, writer: asyncio.StreamWriter) -> None:
        self.number, self.connection = number, connection
        self.method, self.path = head.split(b" ")[:2]
        self.body, self.writer = body, writer

    async def answer(self, status: int = 200, release: str = "r1", body: bytes = b"hello") -> None:
        head = f"HTTP/1.1 {status} Some\r\nX-Switchyard-Release: {release}\r\nContent-Length: {len(body)}\r\n\r\n"
        self.writer.write(head.encode() + body)
        await self.writer.drain()

    def reset(self) -> None:
        linger = struct.pack("ii", 1, 0)
        self.writer.get_extra_info("socket").setsockopt(1, 13, linger)
        self.writer.transport.abort()


class Server:
    """An HTTP server in a thread. It answers as ``behave`` does and remembers each request."""

    def __init__(self, behave: Behave, idle: float | None = None) -> None:
        self.behave, self.idle = behave, idle
        self.requests: list[Request] = []
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        connection = self.connections
        try:
            while True:
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), self.idle)
                length = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
                body = await reader.readexactly(int(length[0].split(b":")[1])) if length else b""
                request = Request(len(self.requests), connection, head, body, writer)
                self.requests.append(request)
                await self.behave(request)
                if b"connection: close" in head.lower() or writer.is_closing():
                    break
        except (asyncio.IncompleteReadError, asyncio.TimeoutError, ConnectionError):
            pass  # the client has gone, or sent nothing for the idle time
        finally:
            writer.close()


@contextlib.contextmanager
def in_thread(start: Callable[[], Awaitable[AnyServer]]) -> Iterator[int]:
    """Run an asyncio server in a thread and yield its port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(as_coroutine(start), loop).result(5)
    try:
        yield next(iter(server.sockets)).getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(wind_down(server), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def as_coroutine(start: Callable[[], Awaitable[AnyServer]]) -> AnyServer:
    return await start()


async def wind_down(server: AnyServer) -> None:
    server.close()
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(server.wait_closed(), 0.2)
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        await asyncio.wait(others, timeout=0.2)
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0)  # transports close in the next turn of the loop


@contextlib.contextmanager
def serving(server: Server) -> Iterator[str]:
    with in_thread(lambda: asyncio.start_server(server.serve, "127.0.0.1", 0)) as port:
        yield f"http://127.0.0.1:{port}"
