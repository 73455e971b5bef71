"""Carries the SDK's HTTP requests to the engine's application, without a socket.

The synchronous side is httpx2's own WSGI transport. The asynchronous side runs the same application in a
worker thread, so that an event loop (JupyterLab's, for one) is never held up. A stream of events is handed
over piece by piece on both sides; any other answer to an asynchronous client is read whole first.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any

import anyio.to_thread
import httpx2
from flask import Flask


class EngineTransport(httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """Give it to `httpx2.Client(transport=...)` or `httpx2.AsyncClient(transport=...)`."""

    def __init__(self, app: Flask):
        def with_path(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            # WSGI wants the path's UTF-8 bytes read as Latin-1; httpx2 2.16 gives plain text
            environ["PATH_INFO"] = environ["PATH_INFO"].encode("utf-8").decode("latin-1")
            return app(environ, start_response)

        self._wsgi = httpx2.WSGITransport(app=with_path)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        return self._wsgi.handle_request(request)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        await request.aread()
        return await anyio.to_thread.run_sync(self._answer, request)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        response = self._wsgi.handle_request(request)
        if response.headers.get("content-type", "").startswith("text/event-stream"):
            stream = _Pieces(response)
            return httpx2.Response(response.status_code, headers=response.headers, stream=stream)
        return httpx2.Response(response.status_code, headers=response.headers, content=response.read())


class _Pieces(httpx2.AsyncByteStream):
    """A synchronous answer's body, each piece made in a worker thread when it is asked for."""

    def __init__(self, response: httpx2.Response):
        self._response = response
        self._pieces: Iterator[bytes] = response.iter_raw()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (piece := await anyio.to_thread.run_sync(next, self._pieces, None)) is not None:
            yield piece

    async def aclose(self) -> None:
        await anyio.to_thread.run_sync(self._response.close)
