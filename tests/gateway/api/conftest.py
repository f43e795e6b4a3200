"""Real servers, without the console, over a made-up gateway."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from made_up_views import MadeUp, make_views

from gateway.api.server import ApiServer
from gateway.config import Api


def _serve(made_up: MadeUp) -> Iterator[httpx.Client]:
    server = ApiServer(made_up.views, Api(port=0, console=False))
    port = server.start()
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
        yield client
    server.stop()


@pytest.fixture(scope="session")
def api() -> Iterator[httpx.Client]:
    """A client of a server that all tests share; its gateway stays as it was made."""
    yield from _serve(make_views())


@pytest.fixture
def made_up() -> MadeUp:
    """What the server of `own_api` shows; the test may change it at any time."""
    return make_views()


@pytest.fixture
def own_api(made_up: MadeUp) -> Iterator[httpx.Client]:
    """A client of a server of the test's own."""
    yield from _serve(made_up)
