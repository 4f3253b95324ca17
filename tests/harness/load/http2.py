"""The same load over HTTP/2: all requests on one connection, until the server has it end."""

from __future__ import annotations

import asyncio

import httpx

from tests.harness.load.answer import Answer
from tests.harness.load.http import ConnectFailed, Load
from tests.harness.load.summary import Record


class Http2Load(Load):
    """Sends its requests over TLS and HTTP/2, and takes an answer by HTTP/1.1 for a failure."""

    async def _work(self, stopped: asyncio.Event) -> None:
        assert self._tls is not None
        async with httpx.AsyncClient(http1=False, http2=True, verify=self._tls, timeout=self._within) as self._client:
            await super()._work(stopped)

    async def _exchange(self, record: Record) -> Answer:
        path, body = self._sends(record)
        request = self._client.build_request(
            record.method,
            f"{self._target.geturl()}{path}",
            content=body,
            headers={"Host": self._name},
            extensions={"sni_hostname": self._name},
        )
        try:
            answer = await self._client.send(request)
        except httpx.ConnectError as failure:
            raise ConnectFailed(str(failure)) from failure
        except httpx.HTTPError as failure:
            raise ConnectionResetError(f"{type(failure).__name__}: {failure}") from failure
        if answer.http_version != "HTTP/2" or (body and answer.content != body):
            raise ValueError(f"{answer.http_version} with {answer.content[:40]!r}")
        return Answer(answer.status_code, answer.headers.get(self._release_header.decode()), True)
