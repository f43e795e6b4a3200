"""The server's life: where it listens, what it says when it cannot, and that it ends."""

from __future__ import annotations

import socket
import threading

import httpx
import pytest
from made_up_views import make_views

from gateway.api.server import ApiServer
from gateway.config import Api
from gateway.errors import GatewayError


def test_it_listens_on_loopback_unless_told_otherwise() -> None:
    assert Api().host == "127.0.0.1"


def test_a_port_that_is_taken_is_an_error_that_says_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(GatewayError, match=rf"127\.0\.0\.1:{port}.*another program uses it.*api\.port"):
            ApiServer(make_views().views, Api(port=port, console=False)).start()


def test_a_host_that_is_not_ours_is_an_error() -> None:
    with pytest.raises(GatewayError, match=r"api\.host"):
        ApiServer(make_views().views, Api(host="192.0.2.1", port=0, console=False)).start()


def test_after_stop_the_port_is_free_and_the_thread_is_gone() -> None:
    server = ApiServer(make_views().views, Api(port=0, console=False))
    port = server.start()
    assert httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
    server.stop()
    assert f"api-{port}" not in [thread.name for thread in threading.enumerate()]
    with socket.create_server(("127.0.0.1", port)):
        pass


def test_it_can_be_started_again_and_stopping_twice_does_no_harm() -> None:
    server = ApiServer(make_views().views, Api(port=0, console=False))
    for _ in range(2):
        port = server.start()
        assert httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
        server.stop()
        server.stop()


def test_an_application_that_does_not_come_up_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    made_up = make_views()

    def broken() -> None:
        raise RuntimeError("made to fail")

    server = ApiServer(made_up.views, Api(port=0, console=False))
    monkeypatch.setattr("gateway.api.server.make_app", lambda _views: _failing(broken))  # pyright: ignore
    with pytest.raises(GatewayError, match="did not start"):
        server.start()


def _failing(fail: object) -> object:
    async def app(scope: dict[str, object], receive: object, send: object) -> None:
        fail()  # pyright: ignore

    return app
