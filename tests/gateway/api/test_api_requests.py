"""Commands over the API: asked for by who may, followed step by step, and not by a page of somewhere else."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from made_up_views import NOW, MadeUp

PLACE = "/api/v1/devices/east/stack-1/requests"
FETCH = {
    "command": "fetch-hours",
    "parameters": {"begin": "2026-05-01T08:00:00+08:00", "end": NOW - 3_600_000},
}


def test_a_command_is_written_down_with_who_asked(own_api: httpx.Client, made_up: MadeUp) -> None:
    answer = own_api.post(PLACE, json=FETCH)
    asked = answer.json()
    assert (answer.status_code, asked["state"], asked["asked_by"]) == (202, "asked", "api 127.0.0.1")
    assert asked["parameters"] == {"begin": "2026-05-01T00:00:00.000Z", "end": "2026-05-01T07:00:00.000Z"}
    kept = made_up.requests.kept[-1]
    assert (kept.id, kept.cn, kept.asked) == (asked["id"], "2061", NOW)
    assert kept.parameters == {"begin": NOW - 8 * 3_600_000, "end": NOW - 3_600_000}


def test_a_request_has_its_steps(api: httpx.Client) -> None:
    found = api.get("/api/v1/requests/r-0001").json()
    assert (found["command"], found["asked"]) == ("read-interval", "2026-05-01T07:59:00.000Z")
    assert found["steps"] == [
        {"at": "2026-05-01T07:59:00.000Z", "state": "asked", "why": "asked", "detail": "cli alice"}
    ]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["read-time", "fetch-hours", "read-interval"]),
        ("device=stack-1&site=east&state=asked", ["read-time", "fetch-hours", "read-interval"]),
        ("state=done", []),
        ("device=outlet", []),
        ("limit=1", ["read-time"]),
        ("before=r-0001", []),
    ],
)
def test_requests_come_latest_first_by_what_is_asked(own_api: httpx.Client, query: str, expected: list[str]) -> None:
    own_api.post(PLACE, json=FETCH).raise_for_status()
    own_api.post(PLACE, json={"command": "read-time"}).raise_for_status()
    assert [one["command"] for one in own_api.get(f"/api/v1/requests?{query}").json()] == expected


@pytest.mark.parametrize(
    ("place", "body", "status", "told"),
    [
        (PLACE, {"command": "keep-sample"}, 403, "the inventory does not allow"),
        ("/api/v1/devices/east/stack-2/requests", {"command": "read-time"}, 403, "the inventory does not allow"),
        (PLACE, {**FETCH, "command": "fetch-realtime"}, 409, "HJ 212-2017 has no 2011"),
    ],
)
def test_what_may_not_be_sent_is_refused_and_kept(
    own_api: httpx.Client, place: str, body: dict[str, Any], status: int, told: str
) -> None:
    answer = own_api.post(place, json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    detail = answer.json()["detail"]
    assert told in detail
    kept = own_api.get(f"/api/v1/requests/{detail.rpartition(' ')[2]}").json()
    assert [step["state"] for step in kept["steps"]] == ["asked", "refused"]


@pytest.mark.parametrize(
    ("place", "body", "status", "parameter"),
    [
        (PLACE, {"command": "dance"}, 422, "command"),
        (PLACE, {}, 422, "command"),
        (PLACE, {"command": "set-interval"}, 422, "seconds"),
        (PLACE, {"command": "set-interval", "parameters": {"seconds": 5}}, 422, "seconds"),
        (PLACE, {"command": "set-interval", "parameters": {"seconds": "60"}}, 422, "seconds"),
        (PLACE, {"command": "read-time", "parameters": {"seconds": 60}}, 422, "seconds"),
        (PLACE, {"command": "set-time", "parameters": {"time": "2026-05-01T08:00:00"}}, 422, "time"),
        ("/api/v1/devices/west/stack-1/requests", {"command": "read-time"}, 404, "site"),
        ("/api/v1/devices/east/stack-9/requests", {"command": "read-time"}, 404, "device"),
    ],
)
def test_a_problem_names_the_parameter_and_nothing_is_asked(
    own_api: httpx.Client, made_up: MadeUp, place: str, body: dict[str, Any], status: int, parameter: str
) -> None:
    answer = own_api.post(place, json=body)
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (status, parameter)
    assert len(made_up.requests.kept) == 1


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 202),
        ({"Origin": "HOST"}, 202),
        ({"Content-Type": "application/json; charset=utf-8"}, 202),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Type": ""}, 415),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Origin": "http://evil.example", "Host": "evil.example"}, 403),
    ],
)
def test_a_page_of_somewhere_else_sends_no_command(
    own_api: httpx.Client, made_up: MadeUp, headers: dict[str, str], status: int
) -> None:
    host = str(own_api.base_url).rstrip("/")
    sent = {"Content-Type": "application/json"} | {name: text.replace("HOST", host) for name, text in headers.items()}
    answer = own_api.post(PLACE, content=b'{"command":"read-time"}', headers=sent)
    assert answer.status_code == status
    assert len(made_up.requests.kept) == (2 if status == 202 else 1)
