"""The server of API and console: a thread with an event loop of its own, beside the ingest loop.

What it costs ingest is the interpreter lock for the time its Python code runs; so requests that compute are bounded
in size, and the console asks once a second.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import suppress
from typing import Final

import uvicorn
from fastapi import FastAPI

from gateway.api.app import make_app
from gateway.api.views import Views
from gateway.config import Api
from gateway.errors import GatewayError

MOST_CONNECTIONS: Final = 512
"""Open connections; more are answered with 503."""
GRACE_S: Final = 2
"""How long `stop` waits for requests under way before it ends them."""


class ApiServer:
    """Serves from `start` to `stop`. Both are called from the ingest side and wait for the thread."""

    def __init__(self, views: Views, settings: Api) -> None:
        self._views = views
        self._settings = settings
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> int:
        """Serve at the host and port of the settings, and return the port, which the system chooses where it was 0.

        Blocks until the server listens (about a second with the console). Raises `GatewayError` where the address
        cannot be had or the application does not start.
        """
        assert self._thread is None, "started twice"
        listener = _listen(self._settings.host, self._settings.port)
        app = make_app(self._views)
        if self._settings.console:
            from gateway.console.attach import attach  # a second of imports that not everyone needs

            attach(app, self._views)
        port = int(listener.getsockname()[1])
        self._server = _Server(app, self._views)
        self._thread = threading.Thread(target=self._server.serve_on, args=(listener,), name=f"api-{port}")
        self._thread.start()
        self._server.decided.wait()
        if not self._server.started:
            self._thread.join()
            listener.close()
            raise GatewayError("the API did not start; the log says why")
        return port

    def stop(self) -> None:
        """End all connections, streams and pages, and the thread. Does nothing where it was not started."""
        if self._server is None or self._thread is None:
            return
        self._server.should_exit = True
        self._thread.join()
        self._server = self._thread = None


class _Server(uvicorn.Server):
    def __init__(self, app: FastAPI, views: Views) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                lifespan="on",
                access_log=False,
                log_config=None,
                server_header=False,
                ws_per_message_deflate=False,
                limit_concurrency=MOST_CONNECTIONS,
                timeout_graceful_shutdown=GRACE_S,
            )
        )
        self._views = views
        self.decided = threading.Event()
        """Set when it listens, or has failed to."""

    def serve_on(self, listener: socket.socket) -> None:
        try:
            # uvicorn has logged why the application does not start, and exits so
            with suppress(SystemExit), asyncio.Runner(loop_factory=self.config.get_loop_factory()) as runner:
                runner.run(self.serve(sockets=[listener]))
        finally:
            self.decided.set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.decided.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._views.feed.disconnect()  # a stream ends only when it is told
        await super().shutdown(sockets)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family, backlog=128)
    except OSError as error:
        hint = "another program uses it; choose another with api.port" if port else "check api.host"
        raise GatewayError(f"the API cannot listen on {host}:{port} ({error.strerror or error}): {hint}") from error
