"""An application that answers as the path of a request says: ``/STATUS/MILLISECONDS/KIND``. It runs in a container.

KIND is nothing, ``websocket``, ``events``, ``poll`` or ``close``; the last ends the connection without an answer.
"""

import asyncio
import sys

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
"""What every client of a websocket sends as its key, and below the answer that belongs to it (RFC 6455)."""
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
HEADS = {
    "websocket": "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Accept: {ACCEPT}\r\n\r\n",
    "events": "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\n",
}
POLL = "X-Switchyard-Long-Poll: 1\r\n"


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while (head := await reader.readuntil(b"\r\n\r\n")) and await one(head, reader, writer):
            pass
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def one(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Answer one request, and return whether another may follow."""
    path = head.split(b" ")[1].decode().partition("?")[0].strip("/").split("/")
    status, delay, kind = [*path, "", "", ""][:3]
    if delay:
        await asyncio.sleep(int(delay) / 1000)
    if kind == "close":
        return False
    if kind in HEADS:
        writer.write(HEADS[kind].encode())
        while kind == "events":
            writer.write(b"data: 1\n\n")
            await writer.drain()
            await asyncio.sleep(0.1)
        await reader.read()  # until the other side closes
        return False
    more = POLL if kind == "poll" else ""
    writer.write(f"HTTP/1.1 {status or 200} Status\r\nContent-Length: 10\r\n{more}\r\n0123456789".encode())
    await writer.drain()
    return True


async def serve(port: int) -> None:
    async with await asyncio.start_server(answer, "0.0.0.0", port, backlog=1024) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
