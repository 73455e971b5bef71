"""Carries the SDK's HTTP requests to the engine's application, without a socket.

The synchronous side is httpx2's own WSGI transport. The asynchronous side runs the same application in a
worker thread, so that an event loop (JupyterLab's, for one) is never held up. An answer to an asynchronous
client is read whole before it is handed over; streaming one piece by piece comes with the routes that stream.
"""

import anyio.to_thread
import httpx2
from flask import Flask


class EngineTransport(httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """Give it to `httpx2.Client(transport=...)` or `httpx2.AsyncClient(transport=...)`."""

    def __init__(self, app: Flask):
        self._wsgi = httpx2.WSGITransport(app=app)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        return self._wsgi.handle_request(request)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        await request.aread()
        return await anyio.to_thread.run_sync(self._answer_whole, request)

    def _answer_whole(self, request: httpx2.Request) -> httpx2.Response:
        response = self._wsgi.handle_request(request)
        return httpx2.Response(response.status_code, headers=response.headers, content=response.read())
