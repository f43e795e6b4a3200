"""Each route answers what the gateway knows, and says what is wrong with a question."""

from __future__ import annotations

import httpx
import pytest
from made_up_views import NOW, MadeUp

MINUTES_AGO = NOW - 120_000


def test_it_is_alive(api: httpx.Client) -> None:
    assert api.get("/healthz").json() == {"status": "alive"}


def test_it_is_ready_until_something_is_not_and_then_says_what(own_api: httpx.Client, made_up: MadeUp) -> None:
    ready = own_api.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"status": "ready", "reasons": {}})
    made_up.reasons["link plant"] = "broker not reached"
    not_ready = own_api.get("/readyz")
    assert (not_ready.status_code, not_ready.json()["reasons"]) == (503, {"link plant": "broker not reached"})


def test_metrics_are_in_the_text_format_and_in_openmetrics_where_asked_for(api: httpx.Client) -> None:
    plain = api.get("/metrics")
    assert 'gateway_messages_total{link="plant"} 12.0' in plain.text
    assert plain.headers["content-type"].startswith("text/plain")
    modern = api.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert modern.headers["content-type"].startswith("application/openmetrics-text")
    assert modern.text.endswith("# EOF\n")


def test_the_status_has_rates_totals_open_alerts_and_what_the_gateway_says_of_itself(
    own_api: httpx.Client, made_up: MadeUp
) -> None:
    made_up.views.live.count(messages=3, readings=15)
    status = own_api.get("/api/v1/status").json()
    assert status["time"] == "2026-05-01T08:00:00.000Z"
    assert status["totals"] == {"messages": 3, "readings": 15, "frames": 0}
    assert (status["alerts_firing"], status["alerts_pending"]) == (3, 0)
    assert status["dead_letters"] == {"bad_json": 2}
    assert status["about"]["store"] == "duckdb"


def test_sites_have_names_in_both_languages(api: httpx.Client) -> None:
    sites = api.get("/api/v1/sites").json()
    assert [(site["id"], site["name"]["zh"], site["devices"], site["cameras"]) for site in sites] == [
        ("east", "东厂", 2, 1),
        ("river", "河畔水厂", 2, 1),
    ]


def test_devices_have_factors_limits_and_when_they_were_heard(api: httpx.Client) -> None:
    devices = {device["id"]: device for device in api.get("/api/v1/devices").json()}
    stack = devices["stack-1"]
    assert stack["last_heard"] == "2026-05-01T07:59:59.200Z"
    assert stack["silent"] is False
    assert [factor["code"] for factor in stack["factors"]] == ["a21026", "a21002"]
    assert stack["factors"][0]["limits"][0]["levels"] == [35.0, 50.0]


def test_a_device_never_heard_is_silent_once_the_gateway_has_run_long_enough(api: httpx.Client) -> None:
    devices = {device["id"]: device for device in api.get("/api/v1/devices?site=river").json()}
    assert devices["air"]["last_heard"] is None
    assert devices["air"]["silent"] is True
    assert devices["outlet"]["silent"] is False


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["stack-1", "stack-2", "outlet", "air"]),
        ("site=east", ["stack-1", "stack-2"]),
        ("kind=wastewater", ["outlet"]),
        ("limit=1&offset=1", ["stack-2"]),
        ("offset=99", []),
    ],
)
def test_devices_are_chosen_by_site_and_kind_and_come_in_pages(
    api: httpx.Client, query: str, expected: list[str]
) -> None:
    assert [device["id"] for device in api.get(f"/api/v1/devices?{query}").json()] == expected


def test_readings_are_columns_with_unit_and_times_in_utc(api: httpx.Client) -> None:
    answer = api.get(
        "/api/v1/readings",
        params={"site": "east", "device": "stack-1", "factor": "a21026", "start": NOW - 10_000, "end": NOW},
    ).json()
    assert answer["unit"] == "mg/m3"
    assert answer["time"] == ["2026-05-01T07:59:50.000Z", "2026-05-01T07:59:55.000Z"]
    assert len(answer["value"]) == len(answer["flag"]) == len(answer["received"]) == 2
    assert answer["flag"] == ["N", "N"]
    assert answer["limited"] is False


def test_a_missing_value_is_null(api: httpx.Client) -> None:
    answer = api.get(
        "/api/v1/readings",
        params={"site": "east", "device": "stack-1", "factor": "a21026", "start": NOW - 600_000, "end": NOW - 590_000},
    ).json()
    assert answer["value"][0] is None
    assert isinstance(answer["value"][1], float)


def test_without_start_and_end_the_last_hour_is_meant_and_the_newest_are_given(api: httpx.Client) -> None:
    answer = api.get(
        "/api/v1/readings", params={"site": "east", "device": "stack-1", "factor": "a21026", "limit": 3}
    ).json()
    assert (answer["start"], answer["end"]) == ("2026-05-01T07:00:00.000Z", "2026-05-01T08:00:00.000Z")
    assert answer["time"][-1] == "2026-05-01T07:59:55.000Z"
    assert answer["limited"] is True


@pytest.mark.parametrize(
    "start",
    [
        str(MINUTES_AGO),
        "2026-05-01T07:58:00Z",
        "2026-05-01T15:58:00%2B08:00",
        "2026-05-01T15:58:00+08:00",
        "2026-05-01T07:58:00.000Z",
    ],
)
def test_a_time_may_be_written_in_these_ways(api: httpx.Client, start: str) -> None:
    answer = api.get(f"/api/v1/readings?site=east&device=stack-1&factor=a21026&start={start}").json()
    assert answer["start"] == "2026-05-01T07:58:00.000Z"


def test_the_store_is_asked_in_a_worker_thread_and_its_absence_is_a_503(own_api: httpx.Client, made_up: MadeUp) -> None:
    address = "/api/v1/readings?site=east&device=stack-1&factor=a21026"
    assert own_api.get(address).status_code == 200
    assert not any(name.startswith("api") for name in made_up.store.callers)
    made_up.store.away = True
    away = own_api.get(address)
    assert (away.status_code, away.headers["content-type"]) == (503, "application/problem+json")
    assert "connection refused" in away.json()["detail"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("", [2, 1, 0], id="all, newest first"),
        pytest.param("limit=2", [2, 1], id="page"),
        pytest.param("before=1", [0], id="next page"),
        pytest.param("site=east&device=stack-1", [2, 0], id="device"),
        pytest.param("site=river", [], id="site"),
        pytest.param("factor=a21002", [0], id="factor"),
        pytest.param(f"start={NOW - 2_999}&end={NOW - 2_998}", [1], id="received"),
    ],
)
def test_revisions_are_chosen_and_come_in_pages(api: httpx.Client, query: str, expected: list[int]) -> None:
    assert [one["id"] for one in api.get(f"/api/v1/revisions?{query}").json()] == expected


def test_a_revision_says_from_what_to_what(api: httpx.Client) -> None:
    assert api.get("/api/v1/revisions?limit=1").json() == [
        {
            "id": 2,
            "site": "east",
            "device": "stack-1",
            "factor": "a21026",
            "field": "Rtd",
            "period": "realtime",
            "unit": "mg/m3",
            "time": "2026-05-01T07:59:50.000Z",
            "revision": 1,
            "was": 41.5,
            "was_flag": "N",
            "value": 29.5,
            "flag": "N",
            "received": "2026-05-01T07:59:57.002Z",
            "position": 92,
            "marks": ["late", "revision"],
        }
    ]


def test_revisions_of_a_store_that_has_no_list_or_is_away_are_a_problem(made_up: MadeUp, own_api: httpx.Client) -> None:
    made_up.store.lists = False
    assert own_api.get("/api/v1/revisions").status_code == 501
    made_up.store.away = True
    assert own_api.get("/api/v1/revisions").status_code == 503


@pytest.mark.parametrize(
    ("address", "status", "parameter"),
    [
        ("/api/v1/readings?site=east&device=stack-1", 422, "factor"),
        ("/api/v1/readings?site=east&device=stack-1&factor=a&limit=10001", 422, "limit"),
        ("/api/v1/readings?site=east&device=stack-1&factor=a&start=2026-05-01T07:58:00", 422, "start"),
        ("/api/v1/readings?site=east&device=stack-1&factor=a&start=yesterday", 422, "start"),
        ("/api/v1/readings?site=east&device=stack-1&factor=a&end=1&start=2", 422, "start"),
        ("/api/v1/readings?site=east&device=stack-1&factor=a&end=99999999999999999", 422, "end"),
        ("/api/v1/readings?site=east&device=stack-1&factor=a&period=year", 422, "period"),
        ("/api/v1/readings?site=west&device=stack-1&factor=a", 404, "site"),
        ("/api/v1/readings?site=east&device=outlet&factor=a", 404, "device"),
        ("/api/v1/revisions?device=stack-1", 422, "site"),
        ("/api/v1/revisions?site=east&device=outlet", 404, "device"),
        ("/api/v1/revisions?limit=1001", 422, "limit"),
        ("/api/v1/devices?site=west", 404, "site"),
        ("/api/v1/alerts?state=burning", 422, "state"),
        ("/api/v1/alerts?before=unknown", 404, "before"),
        ("/api/v1/alerts/unknown", 404, "id"),
        ("/api/v1/detections?camera=gate", 422, "site"),
        ("/api/v1/detections?site=east&camera=yard", 404, "camera"),
        ("/api/v1/cameras/east/yard/frame.jpg", 404, "camera"),
        ("/api/v1/cameras/west/gate/frame.jpg", 404, "site"),
        ("/api/v1/cameras/east/gate/frame.jpg", 404, "camera"),
        ("/api/v1/deadletters?before=-1", 422, "before"),
        ("/api/v1/stream?kind=weather", 422, "kind"),
    ],
)
def test_a_problem_names_the_parameter(api: httpx.Client, address: str, status: int, parameter: str) -> None:
    answer = api.get(address)
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, problem["status"]) == (status, status)
    assert problem["errors"][0]["parameter"] == parameter, problem


def test_what_is_not_there_and_what_is_not_allowed_are_problems_too(api: httpx.Client) -> None:
    assert api.get("/api/v1/weather").json()["status"] == 404
    refused = api.post("/api/v1/sites")
    assert (refused.status_code, refused.headers["allow"], refused.json()["title"]) == (
        405,
        "GET",
        "Method Not Allowed",
    )


def test_a_mistake_of_ours_is_a_500_that_tells_nothing_of_the_inside(own_api: httpx.Client, made_up: MadeUp) -> None:
    made_up.reasons[3] = object()  # pyright: ignore - cannot be written as JSON
    answer = own_api.get("/readyz")
    assert (answer.status_code, answer.json()["detail"]) == (500, "the gateway could not answer; its log says why")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["s-0001", "e-0001", "d-0001", "e-0000"]),
        ("state=firing", ["s-0001", "e-0001", "d-0001"]),
        ("family=exceedance", ["e-0001", "e-0000"]),
        ("site=river", ["d-0001"]),
        ("subject=stack-1&state=resolved", ["e-0000"]),
        ("limit=2", ["s-0001", "e-0001"]),
        ("limit=2&before=e-0001", ["d-0001", "e-0000"]),
    ],
)
def test_alerts_come_latest_first_by_what_is_asked(api: httpx.Client, query: str, expected: list[str]) -> None:
    assert [alert["id"] for alert in api.get(f"/api/v1/alerts?{query}").json()] == expected


def test_an_alert_has_its_history_and_texts_in_both_languages(api: httpx.Client) -> None:
    alert = api.get("/api/v1/alerts/e-0001").json()
    assert alert["text"]["zh"].startswith("东厂")
    assert (alert["value"], alert["limit"], alert["unit"]) == (41.5, 35.0, "mg/m3")
    assert [(step["step"], step["position"]) for step in alert["history"]] == [("pending", 16), ("fired", None)]


def test_detections_are_chosen_by_camera_and_time(api: httpx.Client) -> None:
    found = api.get(
        "/api/v1/detections", params={"site": "east", "camera": "gate", "start": NOW - 2000, "end": NOW - 1000}
    ).json()
    assert [one["captured"] for one in found] == ["2026-05-01T07:59:58.000Z"]
    assert found[0]["zones"] == [{"id": "fence", "share": 0.2}]


def test_a_camera_tells_what_was_seen_and_gives_the_frame_once(own_api: httpx.Client, made_up: MadeUp) -> None:
    assert [camera["frame"] for camera in own_api.get("/api/v1/cameras").json()] == [None, None]
    jpeg = made_up.show_frame()
    gate = own_api.get("/api/v1/cameras?site=east").json()[0]
    assert gate["frame"]["boxes"][0] == {"x": 70, "y": 130, "w": 52, "h": 160, "label": "motion", "score": 0.9}
    frame = own_api.get("/api/v1/cameras/east/gate/frame.jpg")
    assert (frame.content, frame.headers["content-type"]) == (jpeg, "image/jpeg")
    assert '"captured":"2026-05-01T08:00:00.000Z"' in frame.headers["gateway-frame"]
    tag = {"If-None-Match": frame.headers["etag"]}
    assert own_api.get("/api/v1/cameras/east/gate/frame.jpg", headers=tag).status_code == 304
    made_up.show_frame(captured=NOW + 40)
    assert own_api.get("/api/v1/cameras/east/gate/frame.jpg", headers=tag).status_code == 200


def test_dead_letters_have_reason_detail_and_the_raw_bytes(api: httpx.Client) -> None:
    newest, older = api.get("/api/v1/deadletters").json()
    assert (newest["reason"], newest["payload"], newest["replay"]) == ("bad_json", "e/8=", "no")
    assert api.get(f"/api/v1/deadletters?before={newest['id']}").json() == [older]
    assert api.get("/api/v1/deadletters?reason=bad_crc").json() == []


def test_strangers_are_listed_as_they_are_the_last_heard_first(api: httpx.Client) -> None:
    hostile, new = api.get("/api/v1/strangers").json()
    assert new == {
        "name": "NEW-1",
        "topic": "hj212/up",
        "link": "plant",
        "reason": "unknown_device",
        "first": "2026-05-01T08:00:00.000Z",
        "last": "2026-05-01T08:00:00.000Z",
        "count": 1,
    }
    assert (hostile["name"], hostile["topic"]) == ("", "x/<img src=x onerror=alert(1)>\u202e/\x1b[2J")
    assert api.get("/api/v1/strangers?limit=1").json() == [hostile]
    assert api.get("/api/v1/strangers?limit=0").status_code == 422
