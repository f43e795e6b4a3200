"""The stream of server-sent events, read by a real client."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest
from made_up_views import MadeUp, make_views

from gateway.api import stream
from gateway.api.server import ApiServer
from gateway.config import Api


def events(answer: httpx.Response) -> Iterator[tuple[str, object]]:
    """Event name and payload; a comment has the name `:`."""
    name = ""
    for line in answer.iter_lines():
        if line.startswith(":"):
            yield ":", line[1:].strip()
        elif line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def test_an_alert_reaches_a_listener_when_it_is_published(own_api: httpx.Client, made_up: MadeUp) -> None:
    with own_api.stream("GET", "/api/v1/stream?kind=alert") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        heard = events(answer)
        assert next(heard) == (":", "welcome")
        made_up.views.feed.publish("detection", b'{"camera":"gate"}')
        made_up.views.feed.publish("alert", b'{"id":"e-0001"}')
        assert next(heard) == ("alert", {"id": "e-0001"})


def test_counters_come_by_themselves(api: httpx.Client) -> None:
    with api.stream("GET", "/api/v1/stream") as answer:
        name, counters = next(event for event in events(answer) if event[0] != ":")
        assert name == "counters"
        assert counters["alerts_firing"] == 3  # pyright: ignore


def test_a_quiet_stream_has_a_heartbeat(own_api: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "HEARTBEAT_S", 0.05)
    with own_api.stream("GET", "/api/v1/stream?kind=alert") as answer:
        heard = events(answer)
        assert [next(heard) for _ in range(3)] == [(":", "welcome"), (":", "still here"), (":", "still here")]


def test_who_leaves_is_forgotten(own_api: httpx.Client, made_up: MadeUp) -> None:
    with own_api.stream("GET", "/api/v1/stream?kind=alert") as answer:
        heard = events(answer)
        assert next(heard) == (":", "welcome")
        assert made_up.views.feed.listeners == 1
    for _ in range(200):  # the server sees the closed socket a moment later
        if made_up.views.feed.listeners == 0:
            break
        own_api.get("/healthz")
    assert made_up.views.feed.listeners == 0


def test_listeners_are_bounded(own_api: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "MOST_LISTENERS", 0)
    assert own_api.get("/api/v1/stream").status_code == 503


def test_stopping_the_server_ends_an_open_stream_cleanly() -> None:
    views = make_views().views
    server = ApiServer(views, Api(port=0, console=False))
    port = server.start()
    with httpx.stream("GET", f"http://127.0.0.1:{port}/api/v1/stream?kind=alert", timeout=10) as answer:
        heard = events(answer)
        assert next(heard) == (":", "welcome")
        server.stop()
        assert list(heard) == []  # an end of the body, not a broken connection
