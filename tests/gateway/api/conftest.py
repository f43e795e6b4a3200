"""A real server, without the console, over a made-up gateway."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from made_up_views import MadeUp, make_views

from gateway.api.server import ApiServer
from gateway.config import Api


@pytest.fixture
def made_up() -> MadeUp:
    """What the server shows; a test may change it at any time."""
    return make_views()


@pytest.fixture
def server(made_up: MadeUp) -> Iterator[str]:
    """The address of a running server."""
    running = ApiServer(made_up.views, Api(port=0, console=False))
    port = running.start()
    yield f"http://127.0.0.1:{port}"
    running.stop()


@pytest.fixture
def api(server: str) -> Iterator[httpx.Client]:
    """A client of that server."""
    with httpx.Client(base_url=server, timeout=10) as client:
        yield client
