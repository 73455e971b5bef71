"""`python -m helpers serve`: the embedded engine on loopback, for curl and for programs in any language.

Only this machine can reach it (127.0.0.1), so it asks for no key.
"""

import sys
import threading

from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from helpers.engine import vectors
from helpers.engine.app import create_app

ADDRESS = "127.0.0.1"
PORT = 8011


class _Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"  # streams go out in chunks; Werkzeug closes each connection all the same
    disable_nagle_algorithm = True  # else an answer of several pieces waits 40 ms for an acknowledgement


class _QuietHandler(_Handler):
    def log_request(self, *_: object) -> None:
        """No line a request: in a notebook it would stand among the outputs."""


def start(port: int = PORT, app: Flask | None = None, quiet: bool = False) -> BaseWSGIServer:
    """A server that is already listening; call its `serve_forever()`. Port 0 takes any free one.

    `app` (default: a new one) can be one with limits, keys or deployments of its own, to meet their errors.
    `quiet`: no line a request. Raises OSError when the port is taken.
    """
    vectors.load()  # now rather than within the first request
    handler = _QuietHandler if quiet else _Handler
    return make_server(ADDRESS, port, app or create_app(), threaded=True, request_handler=handler)


def start_in_background(port: int = 0, app: Flask | None = None) -> BaseWSGIServer:
    """As `start`, quietly, answering from a thread of this process until `shutdown()`."""
    server = start(port, app, quiet=True)
    threading.Thread(target=server.serve_forever, name="embedded-engine", daemon=True).start()
    return server


def main(port: int = PORT) -> int:
    """Serve until Ctrl-C; returns the exit code."""
    try:
        server = start(port)
    except (OSError, SystemExit) as error:  # werkzeug exits by itself when the port is taken
        print(
            f"Port {port} cannot be used ({error}). Name another: python3 -m helpers serve --port 8012",
            file=sys.stderr,
        )
        return 1
    url = f"http://{ADDRESS}:{server.server_port}/v1"
    print(f"The embedded engine answers at {url}  (Ctrl-C stops it)")
    print(
        f'Try: curl {url}/embeddings -H "Content-Type: application/json" '
        f'-d "{{\\"model\\": \\"{vectors.MODEL}\\", \\"input\\": \\"green tea\\"}}"',
        flush=True,
    )
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print("\nStopped.")
    finally:
        server.server_close()
    return 0
