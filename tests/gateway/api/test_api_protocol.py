"""How loggers keep to HJ 212, as an inspector gets it: one device, all devices with the worst first, CSV."""

from __future__ import annotations

import csv
import io

import httpx
from made_up_views import NOW, MadeUp

from gateway.api.times import iso

MINUTE, HOUR = 60_000, 3_600_000


def table(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


def test_a_device_shows_its_edition_last_frame_verdicts_and_gaps(api: httpx.Client) -> None:
    found = api.get("/api/v1/devices/river/outlet/protocol").json()
    assert (found["edition"], found["edition_configured"], found["st"]) == ("2005", False, "32")
    assert found["name"] == {"en": "Outlet", "zh": "总排口"}
    last = found["last"]
    assert (last["cn"], last["received"], last["time"]) == ("2061", iso(NOW - 20_000), iso(NOW - 2 * HOUR))
    assert (last["taken"], last["encrypted"], last["link"]) == (True, False, "plant")
    assert found["gaps"] == [
        {"period": "minute", "start": iso(NOW - 290 * MINUTE), "end": iso(NOW - 200 * MINUTE)} | gap
        for gap in (
            {"start": iso(NOW - 290 * MINUTE), "end": iso(NOW - 200 * MINUTE)},
            {"start": iso(NOW - 180 * MINUTE), "end": iso(NOW - 20 * MINUTE)},
            {"period": "hour", "start": iso(NOW - 4 * HOUR), "end": iso(NOW - 2 * HOUR)},
        )
    ]


def test_each_verdict_has_words_and_a_sentence_in_both_languages(api: httpx.Client) -> None:
    found = api.get("/api/v1/devices/river/outlet/protocol").json()
    by_word = {each["word"]: each for each in found["verdicts"]}
    assert {word: each["frames"] for word, each in by_word.items()} == {
        "qn_missing": 7,
        "flag_missing": 7,
        "crc_lower_case": 7,
        "crc_wrong": 1,
        "repeated": 1,
        "set_incomplete": 1,
    }
    qn = by_word["qn_missing"]
    assert qn["label"] == {"en": "QN missing", "zh": "缺少 QN"}
    assert qn["text"]["en"].startswith("QN is missing: ") and qn["text"]["zh"].startswith("缺少请求编码 QN")
    assert (qn["last"], qn["example"]) == (iso(NOW - 20_000), 17)


def test_counts_and_sets_of_a_device(api: httpx.Client) -> None:
    found = api.get("/api/v1/devices/river/outlet/protocol").json()
    assert (found["frames"], found["frames_with_verdicts"], found["share"]) == (10, 8, 0.8)
    assert (found["repeats"], found["quarantined"]) == (1, 1)
    assert (found["sets_complete"], found["sets_incomplete"], found["sets_open"]) == (0, 1, 0)
    assert found["commands"] == {"2051": 7, "2061": 2, "2011": 1}


def test_events_come_newest_first_and_page_by_page(api: httpx.Client) -> None:
    address = "/api/v1/devices/river/outlet/protocol"
    (first,) = api.get(address, params={"events": 1}).json()["events"]
    assert first == {
        "id": 2,
        "kind": "message",
        "cn": "2081",
        "time": iso(NOW),
        "received": iso(NOW + 2),
        "position": 32,
        "items": [{"name": "RestartTime", "text": "20260501155902"}],
    }
    (second,) = api.get(address, params={"before": first["id"]}).json()["events"]
    assert second["id"] == 1
    assert api.get(address, params={"events": 0}).json()["events"] == []


def test_a_device_that_never_spoke_hj212_is_not_found(api: httpx.Client) -> None:
    answer = api.get("/api/v1/devices/east/stack-2/protocol")
    assert answer.status_code == 404
    assert "no HJ 212 frame" in answer.json()["detail"]
    assert api.get("/api/v1/devices/east/nobody/protocol").json()["errors"][0]["parameter"] == "device"


def test_the_list_has_the_worst_logger_first_and_can_be_paged_and_kept_to_a_site(api: httpx.Client) -> None:
    def listed(**parameters: object) -> list[tuple[str, float]]:
        found = api.get("/api/v1/protocol", params=parameters).json()
        return [(each["device"], each["share"]) for each in found]

    assert listed() == [("outlet", 0.8), ("stack-1", 0.1)]
    assert listed(site="east") == [("stack-1", 0.1)]
    assert listed(limit=1, offset=1) == [("stack-1", 0.1)]
    assert api.get("/api/v1/protocol", params={"site": "nowhere"}).status_code == 404


def test_the_list_is_csv_where_that_is_asked_for(api: httpx.Client) -> None:
    by_format = api.get("/api/v1/protocol", params={"format": "csv"})
    by_accept = api.get("/api/v1/protocol", headers={"Accept": "text/csv"})
    assert by_format.content == by_accept.content
    assert by_format.content.startswith(b"\xef\xbb\xbf"), "a spreadsheet needs the mark"
    outlet, stack = table(by_format)
    assert (outlet["device"], outlet["name_zh"], outlet["edition"]) == ("outlet", "总排口", "2005")
    assert (outlet["frames"], outlet["share_percent"], outlet["gaps_minute"], outlet["gaps_hour"]) == (
        *("10", "80.00", "2", "1"),
    )
    assert outlet["last_received"] == "2026-05-01 15:59:40 +08:00"
    assert "QN missing: 7" in outlet["verdicts_en"] and "缺少 QN 7" in outlet["verdicts_zh"]
    assert stack["verdicts_en"] == "blanks: 1"


def test_json_is_had_although_a_table_would_do(api: httpx.Client) -> None:
    answer = api.get("/api/v1/protocol", params={"format": "json"}, headers={"Accept": "text/csv"})
    assert answer.headers["content-type"] == "application/json"


def test_csv_has_all_loggers_however_many(own_api: httpx.Client, made_up: MadeUp) -> None:
    everyone = made_up.views.loggers.worst_first()
    assert len(table(own_api.get("/api/v1/protocol?format=csv"))) == len(everyone)
    assert len(table(own_api.get("/api/v1/protocol?format=csv&limit=1"))) == 1
