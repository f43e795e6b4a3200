"""HJ 212 payloads to readings: commands, flags, marks, times, devices, split packets, and every dead letter."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.codecs.hj212 import LONGEST_PAYLOAD
from gateway.codecs.hj212_fast import FastLane
from gateway.codecs.seam import at_site
from gateway.config import outside_data
from gateway.hj212.keys import DeviceSecrets, KeyRing
from gateway.hj212.layout import FIELDS, NOTES
from gateway.hj212.sm4 import seal_segment
from gateway.inventory import Inventory
from gateway.marks import BACKFILLED

STAMP = "DataTime=20260301120000;"
NOON = 1_772_337_600_000  # 12:00 in Shanghai
HOUR = 3_600_000
BERLIN = "BERLIN-1"
VECTORS = outside_data() / "domain" / "hj212_vectors.jsonl"


def test_a_frame_is_readings_with_the_flag_of_their_factor(run: Any, frame: Any) -> None:
    cp = STAMP + "a21026-Rtd=35.2,a21026-ZsRtd=40,a21026-Flag=D;a34013-Rtd=4.1;a01012-Rtd=9,a01012-Flag=N"
    got = run("hj212", frame(cp))
    assert got.readings == [
        (0, "a21026", "Rtd", "realtime", NOON, 35.2, "D"),
        (0, "a21026", "ZsRtd", "realtime", NOON, 40.0, "D"),
        (0, "a34013", "Rtd", "realtime", NOON, 4.1, "N"),
        (0, "a01012", "Rtd", "realtime", NOON, 9.0, "N"),
    ]
    assert (got.sink.devices, got.dead, got.sink.alive_only) == ({0}, [], 0)


@pytest.mark.parametrize(
    ("cn", "period", "bare"),
    [
        ("2011", "realtime", "Rtd"),
        ("2051", "minute", "Avg"),
        ("2061", "hour", "Avg"),
        ("2031", "day", "Avg"),
        ("2021", "realtime", "Rtd"),
        ("2111", "realtime", "Rtd"),
    ],
)
def test_the_command_is_the_period(run: Any, frame: Any, cn: str, period: str, bare: str) -> None:
    kept = [field for field in FIELDS.values() if field != "Flag" and field not in NOTES]
    cp = STAMP + ",".join(f"a-{field}=1" for field in kept) + ";PM25=2;x-Ia=3;la-rtd=4"
    got = run("hj212", frame(cp, cn=cn))
    assert [row[1:4] for row in got.readings] == [("a", field, period) for field in kept] + [
        ("PM25", bare, period),
        ("x", "Ia", period),
        ("la", "Rtd", period),
    ]


@pytest.mark.parametrize(
    ("items", "readings"),
    [
        ("p-Rtd=St", [("p-Rtd", None, "St")]),
        ("p-Rtd=D,p-Flag=N", [("p-Rtd", None, "D")]),
        ("p-Rtd=,p-Flag=B", [("p-Rtd", None, "B")]),
        ("p-Rtd=", [("p-Rtd", None, "N")]),
        ("p-Flag=F", [("p-Rtd", None, "F")]),
        ("p-Rtd=off", [("p-Rtd", None, "?")]),
        ("p-Rtd=off,p-Flag=M", [("p-Rtd", None, "M")]),
        ("p-Rtd=1e999", [("p-Rtd", None, "?")]),
        ("p-Rtd=nan;q-Rtd=1_0", [("p-Rtd", None, "?"), ("q-Rtd", None, "?")]),
        ("p-Rtd=1,p-Flag=weird", [("p-Rtd", 1.0, "?")]),
        ("p-Rtd=1,p-Flag=Sd", [("p-Rtd", 1.0, "Sd")]),
        ("p-Rtd=//a;b//;q-Rtd=1", [("p-Rtd", None, "?"), ("q-Rtd", 1.0, "N")]),
        ("p-Rtd=1;p-Rtd=2,p-Flag=D,p-Flag=N", [("p-Rtd", 2.0, "N")]),
        (
            "p-SampleTime=20260301110000,p-EFlag=7,p-Rtd=5",
            [("p-SampleTime", float(NOON - HOUR), "N"), ("p-Rtd", 5.0, "N")],
        ),
        (" p-Rtd = 63.0 , p-Flag = N ;", [("p-Rtd", 63.0, "N")]),
    ],
)
def test_marks_texts_and_repeats(run: Any, frame: Any, items: str, readings: list[Any]) -> None:
    assert run("hj212", frame(STAMP + items)).values == readings


@pytest.mark.parametrize(
    ("stamp", "mn", "ms"),
    [
        ("20260301120000", "LD130133000015", NOON),
        ("202603011200", "LD130133000015", NOON),
        ("20260301120000123", "LD130133000015", NOON + 123),
        ("20260301050000", BERLIN, NOON),
        ("20260701060000", BERLIN, 1_782_878_400_000),
        ("20251026023000", BERLIN, 1_761_438_600_000),
    ],
)
def test_data_time_is_local_time_of_the_site(run: Any, frame: Any, stamp: str, mn: str, ms: int) -> None:
    got = run("hj212", frame(f"DataTime={stamp};a-Rtd=1", mn=mn), frame(f"DataTime={stamp};a-Rtd=x", mn=mn), device=-1)
    assert got.times == {ms}


def test_each_packet_of_a_split_message_is_taken_at_once(run: Any, frame: Any) -> None:
    heads = [f"QN=2026030112000053{n};ST=31;CN=2061;PW=1;MN=LD130133000015;Flag=7;PNUM=0002;PNO={n};" for n in (2, 1)]
    got = run("hj212", *(frame(f"{STAMP}a{n}-Avg={n}", head=head) for n, head in enumerate(heads)), device=-1)
    assert [(row[1], row[3], row[5]) for row in got.readings] == [("a0", "hour", 0.0), ("a1", "hour", 1.0)]
    assert got.sink.devices == {1}


def test_a_payload_may_hold_several_frames_of_different_times(run: Any, frame: Any) -> None:
    later = frame("DataTime=20260301120100;a-Rtd=2")
    got = run("hj212", frame(STAMP + "a-Rtd=1") + later, later)
    assert [(row[4], row[5]) for row in got.readings] == [(NOON, 1.0), (NOON + 60_000, 2.0), (NOON + 60_000, 2.0)]
    assert got.sink.rows == [0, 0, 1]


def test_a_bad_frame_among_good_ones_is_buried_alone(run: Any, frame: Any) -> None:
    good = frame(STAMP + "a-Rtd=1")
    bad = good.replace(b"a-Rtd=1", b"a-Rtd=9")
    got = run("hj212", good + bad + good)
    assert [row[5] for row in got.readings] == [1.0, 1.0]
    assert [(letter.reason, letter.payload) for letter in got.dead] == [("bad_crc", bad)]


@pytest.mark.parametrize(
    ("cn", "cp"),
    [
        ("9015", ""),
        ("9013", ""),
        ("9014", ""),
        ("2011", ""),
        ("2012", ""),
        ("9011", "QnRtn=1"),
        ("9012", "ExeRtn=1"),
        ("1011", "SystemTime=20260301120000"),
        ("2081", "DataTime=20260301120000;RestartTime=20260301115900"),
        ("3015", "DataTime=20260301120000;VaseNo=1"),
    ],
)
def test_what_carries_no_reading_is_a_sign_of_life(run: Any, frame: Any, cn: str, cp: str) -> None:
    got = run("hj212", frame(cp, cn=cn), frame(cp, cn=cn) * 2, device=-1)
    assert (got.sink.alive_only, got.sink.devices, got.readings, got.dead) == (2, {0}, [], [])


def test_a_sign_of_life_beside_readings_is_not_counted_twice(run: Any, frame: Any) -> None:
    got = run("hj212", frame("", cn="9015") + frame(STAMP + "a-Rtd=1"))
    assert (got.sink.alive_only, len(got.readings)) == (0, 1)


def good_frame(frame: Any) -> bytes:
    return frame(STAMP + "a21026-Rtd=1")


def swapped(whole: bytes) -> bytes:
    crc = whole.strip()[-4:]
    return whole.strip()[:-4] + crc[2:] + crc[:2]


BAD: list[tuple[str, Any, str, str]] = [
    ("nothing", lambda f: b"", "not_hj212", "empty"),
    ("JSON", lambda f: b'{"v":1}', "not_hj212", "expected ##"),
    ("half a frame", lambda f: good_frame(f)[:50], "truncated_frame", "has no end"),
    ("too long", lambda f: good_frame(f) + b" " * LONGEST_PAYLOAD, "too_long", "bytes"),
    ("wrong CRC", lambda f: good_frame(f).replace(b"=1&&", b"=2&&"), "bad_crc", "its data segment has"),
    ("swapped CRC", lambda f: swapped(good_frame(f)), "bad_crc", "crc_swapped"),
    ("no CRC digits", lambda f: good_frame(f)[:-6] + b"zzzz", "bad_crc", "CRC zzzz"),
    ("MN of another", lambda f: f(STAMP + "a-Rtd=1", mn=BERLIN), "mn_mismatch", "of device 'pond'"),
    ("MN unknown", lambda f: f(STAMP + "a-Rtd=1", mn="ghost"), "mn_mismatch", "MN 'ghost'"),
    ("no CN", lambda f: f(STAMP + "a-Rtd=1", head="ST=31;"), "missing_field", "CN is missing"),
    ("no DataTime", lambda f: f("a-Rtd=1"), "missing_field", "DataTime is missing"),
    ("DataTime of 8 digits", lambda f: f("DataTime=20260301;a-Rtd=1"), "bad_time", "12, 14 or 17"),
    ("DataTime of letters", lambda f: f("DataTime=2026030112000x;a-Rtd=1"), "bad_time", "12, 14 or 17"),
    ("DataTime no date", lambda f: f("DataTime=20260230000000;a-Rtd=1"), "bad_time", "calendar"),
    ("DataTime 1999", lambda f: f("DataTime=19990101000000;a-Rtd=1"), "bad_time", "between the years"),
    ("item without =", lambda f: f(STAMP + "rubbish"), "bad_item", "'rubbish'"),
    ("blank in a name", lambda f: f(STAMP + "a b-Rtd=1"), "bad_factor", "'a b-Rtd'"),
    ("too many", lambda f: f(STAMP + ";".join(f"a{n}=1" for n in range(101))), "too_many_factors", "101"),
    ("text only", lambda f: f(STAMP + "a-SN=12ab,a-EFlag=3"), "text_value", "no reading"),
    ("factors of no command", lambda f: f("a-LowValue=1,a-UpValue=2", cn="1099"), "unsupported_command", "'1099'"),
]


@pytest.mark.parametrize(("make", "reason", "detail"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_a_bad_frame_is_a_dead_letter_that_says_why(run: Any, frame: Any, make: Any, reason: str, detail: str) -> None:
    payload = make(frame)
    good = good_frame(frame)
    got = run("hj212", good, payload, good, max_factors=100)
    (letter,) = got.dead
    assert (letter.reason, letter.position, letter.topic) == (reason, 1001, "t/1")
    assert letter.payload.strip() == payload.strip()
    assert detail in letter.detail
    assert len(letter.detail) < 300
    assert "123456" not in letter.detail, "the password stays out of texts"
    assert len(got.readings) == 2, "its neighbours are read"


def test_the_good_items_of_a_frame_are_read_beside_its_bad_ones(run: Any, frame: Any) -> None:
    got = run("hj212", frame(STAMP + "a-Rtd=1;rubbish;b c=2;d=3"))
    assert got.values == [("a-Rtd", 1.0, "N"), ("d-Rtd", 3.0, "N")]
    assert got.reasons == ["bad_item", "bad_factor"]


def test_a_bad_crc_is_accepted_where_the_settings_say_so(run: Any, frame: Any) -> None:
    got = run("hj212", good_frame(frame).replace(b"=1&&", b"=2&&"), quarantine=())
    assert [row[5] for row in got.readings] == [2.0]


def test_a_topic_that_names_a_site_takes_mns_of_that_site_only(run: Any, frame: Any) -> None:
    payload = frame(STAMP + "a-Rtd=1", mn=BERLIN)
    assert [row[0] for row in run("hj212", payload, device=at_site(1)).readings] == [2]
    for site in (0, 2):
        (letter,) = run("hj212", payload, device=at_site(site)).dead
        assert (letter.reason, letter.claimed) == ("mn_mismatch", BERLIN)


def test_a_carrier_brings_frames_of_those_it_carries(run: Any, frame: Any, inventory: Inventory) -> None:
    devices = list(inventory.devices)
    devices[1] = replace(devices[1], carrier="stack")
    stock = replace(inventory, devices=tuple(devices))
    carried = frame(STAMP + "a-Rtd=1", mn=devices[1].mn)
    assert [row[0] for row in run("hj212", carried, device=0, stock=stock).readings] == [1]
    assert run("hj212", frame(STAMP + "a-Rtd=1", mn=devices[0].mn), device=1, stock=stock).reasons == ["mn_mismatch"]
    pack = b'[{"bn":"pond/","n":"a21026","v":1},{"n":"a34013","bn":"stack/","v":2}]'
    assert [row[0] for row in run("senml", pack, device=0, stock=stock).readings] == [1, 0]


@pytest.mark.parametrize(
    ("mn", "topic", "setting", "outcome"),
    [
        ("ghost", 0, "dead_letter", "mn_mismatch"),
        ("ghost", -1, "dead_letter", "unknown_device"),
        ("ghost", 0, "accept", 0),
        ("ghost", -1, "accept", "unknown_device"),
        ("", 0, "dead_letter", 0),
        ("", -1, "accept", "unknown_device"),
        (BERLIN, 0, "accept", "mn_mismatch"),
        (BERLIN, 2, "dead_letter", 2),
    ],
)
def test_the_mn_decides_whose_frame_it_is(
    run: Any, frame: Any, mn: str, topic: int, setting: str, outcome: int | str
) -> None:
    got = run("hj212", frame(STAMP + "a-Rtd=1", mn=mn), device=topic, unknown_devices=setting)
    assert [row[0] for row in got.readings] + got.reasons == [outcome]
    heard = {outcome} if isinstance(outcome, int) else {topic} - {-1} if outcome == "unknown_device" else set()
    assert got.sink.devices == heard


def test_a_channel_too_many_is_a_dead_letter(run: Any, frame: Any) -> None:
    got = run("hj212", good_frame(frame), frame(STAMP + "b-Rtd=1"), good_frame(frame), max_channels=1)
    assert (got.reasons, len(got.readings)) == (["channels_full"], 2)


def test_values_do_not_become_channels(run: Any, frame: Any) -> None:
    """A CP out of shape must not be misread with values as names: they would fill the table of channels."""
    got = run("hj212", frame(STAMP + "a=1=b;c;d=2"))
    assert got.values == [("a-Rtd", None, "?"), ("d-Rtd", 2.0, "N")]
    assert {key.factor for key in got.channels.keys} == {"a", "d"}


@pytest.mark.outside_data
@pytest.mark.skipif(not VECTORS.exists(), reason=f"no field frames at {VECTORS} (GATEWAY_OUTSIDE_DATA)")
def test_field_frames_are_read_whole(run: Any) -> None:
    vectors = [json.loads(line) for line in VECTORS.read_text().splitlines()]
    payloads = [vector["frame"].encode() for vector in vectors]
    everything = run("hj212", *payloads, unknown_devices="accept", quarantine=())
    of_another = [b"MN=LD130133000015;" in payload for payload in payloads]  # device 1; the topic names device 0
    assert everything.reasons == ["mn_mismatch"] * sum(of_another)
    assert everything.sink.alive_only == 1
    strict = run("hj212", *payloads, unknown_devices="accept")
    assert strict.reasons.count("bad_crc") == sum(not vector["crc_ok"] for vector in vectors)


names = st.sampled_from(["a21026", "a34013", "w01001", "LA", "PM25", "SB1", "01", "DataTime", "a_b", "", "x y"])
suffixes = st.sampled_from(["", "-Rtd", "-Avg", "-Min", "-ZsAvg", "-Flag", "-flag", "-td", "-SampleTime", "-RS"])
number_texts = st.floats(-1e6, 1e6).map(str) | st.integers(-(10**20), 10**20).map(str)
odd_texts = st.sampled_from(
    [
        "N",
        "D",
        "St",
        "",
        " 1 ",
        "1e5",
        "nan",
        "-inf",
        "1e999",
        "1_0",
        "0x1",
        "//a;b//",
        '"',
        "\\",
        "é",
        "=",
        "1=2",
        "\x1c1",
    ]
)
item = st.one_of(
    st.tuples(names, suffixes, st.just("="), number_texts | st.just("N")).map("".join),
    st.tuples(names, suffixes, st.sampled_from(["=", " = ", ""]), number_texts | odd_texts).map("".join),
)
plain_item = st.tuples(st.sampled_from(["a21026", "a34013", "w01001"]), suffixes.filter(bool), number_texts).map(
    lambda parts: f"{parts[0]}{parts[1]}={'N' if parts[1] == '-Flag' else parts[2]}"
)
stamps = st.sampled_from(
    ["20260301120000", "202603011200", "20260301120000999", "20260230120000", "1", " 20260301120000"]
)


@st.composite
def bodies(draw: st.DrawFn, items: st.SearchStrategy[str]) -> str:
    parts = [f"DataTime={draw(stamps)}", *draw(st.lists(items, max_size=6))]
    separators = draw(st.lists(st.sampled_from([";", ",", "; "]), min_size=len(parts), max_size=len(parts)))
    return "".join(part + separator for part, separator in zip(parts, separators, strict=True))[
        : draw(st.sampled_from([-1, None]))
    ]


heads = st.sampled_from(
    [
        "QN=20260301080000123;ST=31;CN=2011;PW=123456;MN=010000A8900016F000169DC0;Flag=4;",
        "QN=20260301080000123;ST=31;CN=2051;PW=123456;MN=LD130133000015;Flag=4;",
        "ST=31;CN=2031;PW=123456;MN=BERLIN-1;",
        "QN=2;MN=ghost;ST=31;CN=2011;MN=BERLIN-1;",
        "CN=2011;MN=ghost;",
        "CN=9011;MN=BERLIN-1;cp=&&",
        "QN=20260301080000123;ST=22;CN=2061;PW=123456;MN=ENDS-2005;Flag=2;PNUM=2;PNO=1;",
        "ST=22;CN=2031;PW=123456;MN=ENDS-2005;",
        ";ST=32;CN=2011;PW=1;MN=LETTERS;",
        "QN=20260301080000123;ST=32;CN=2011;PW=1;MN=LETTERS;",
        "QN=20260301080000123;ST=31;CN=2051;PW=wrong;MN=SEALED;Flag=9;RF=1;",
        "QN=20260301080000123;QN=20260301080000124;ST=31;CN=2011;PW=1;MN=SEALED;Flag=9;",
    ]
)
KEY = b"0" * 16
OLD_KEY = b"1" * 16
KEYS = KeyRing({"SEALED": DeviceSecrets("123456", ((0, OLD_KEY), (1_700_000_000_000, KEY)))})


def test_what_a_frame_calls_back_filled_is_marked_and_nothing_else(run: Any, frame: Any) -> None:
    sent = "QN=20260301080000123;ST=31;CN=2051;PW=123456;MN=LD130133000015;Flag=9;"
    body = STAMP + "a21026-Avg=1,a21026-Flag=N;a34013-Avg=2,a34013-Flag=N"
    odd = STAMP + "a21026-Avg=1 ,a21026-Flag=N"  # a blank, which the patient reader takes
    got = run(
        "hj212",
        frame(body, head=sent),
        frame(body, head=sent + "RF=1;"),
        frame(odd, head=sent + "RF=1;"),
        frame(body, head=sent + "RF=0;"),
        device=1,
    )
    assert got.sink.readings().mark.tolist() == [0, 0, BACKFILLED, BACKFILLED, BACKFILLED, 0, 0]


def assert_both_ways_agree(run: Any, payloads: list[bytes], device: int, **settings: Any) -> None:
    fast = run("hj212", *payloads, device=device, **settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FastLane, "read", lambda *_: False)
        patient = run("hj212", *payloads, device=device, **settings)
    assert fast.readings == patient.readings
    assert fast.sink.readings().mark.tolist() == patient.sink.readings().mark.tolist()
    assert [(letter.position, letter.reason, letter.detail) for letter in fast.dead] == [
        (letter.position, letter.reason, letter.detail) for letter in patient.dead
    ]
    assert (fast.sink.alive_only, fast.sink.devices) == (patient.sink.alive_only, patient.sink.devices)
    assert fast.frames == patient.frames


@st.composite
def written_frames(draw: st.DrawFn, frame: Any) -> bytes:
    """A frame with a right CRC, or nearly; sealed or not, with a line end or not."""
    head, body = draw(heads), draw(bodies(plain_item) | bodies(item))
    whole: bytes = frame(body, head=head)
    seal = draw(st.sampled_from([None, None, KEY, OLD_KEY, b"2" * 16])) if "SEALED" in head else None
    if seal is not None:
        sealed = seal_segment(whole[6:-6], seal, printed=draw(st.booleans()))
        whole = whole[:6] + sealed + whole[-6:]
    crc = draw(st.sampled_from([whole[-6:-2]] * 4 + [whole[-6:-2].lower(), whole[-6:-2].lstrip(b"0"), b"0BAD"]))
    return whole[:-6] + crc + draw(st.sampled_from([b"\r\n", b"\r\n", b"", b"\n"]))


@settings(max_examples=300, deadline=None)
@given(st.data(), st.sets(st.sampled_from(["qn_missing", "item_repeated", "crc_wrong", "not_encrypted", "key_old"])))
def test_the_fast_lane_reads_what_patience_reads(
    run: Any, frame: Any, strange: Inventory, data: st.DataObject, quarantine: set[str]
) -> None:
    payloads = data.draw(st.lists(written_frames(frame), min_size=1, max_size=4)) * 2  # the second time all is known
    together = b"".join(payloads)
    quarantine = quarantine if data.draw(st.booleans()) else set()
    settings = {"stock": strange, "keys": KEYS, "quarantine": tuple(sorted(quarantine))}
    assert_both_ways_agree(run, [*payloads, together], device=-1, **settings)


@pytest.mark.parametrize(
    ("plain", "trap"),
    [
        ("a=1;b=2;d=3", "a=1=b;c;d=2"),
        ("a=1;b=2", "a;1=b;2"),
        ("a=1;b=2", "a=1,b=2;"),
        ("a=1;i-Info=2;c-Rtd=3", "a=1;i-Info=//x;c-Rtd=3//"),
        ("a=1,a-EFlag=2;c-Rtd=3;d-SN=4", "a=1,a-EFlag=//x;c-Rtd=5;d-SN=//"),
        ("a=1", "a=1_0"),
        ("a=1", "a=nan"),
        ("a=1", "a=-1e999"),
        ("a=1", "a=\uff11"),
        ("a=1;b=2", "a=1e999;b=-1e999"),
        ("a=1", "a=\x1c1"),
        ("a=1,a-Flag=N", "a=1,a-Flag= N "),
        ("a=1,a-Flag=N", "a=1,a-Flag="),
        ("a=1;a=2", "a=2;a=x"),
        ("a=1", "a=1&&b=2"),
    ],
)
def test_a_remembered_layout_is_no_trap(run: Any, frame: Any, plain: str, trap: str) -> None:
    plain_frame = frame(STAMP + plain)
    assert_both_ways_agree(run, [plain_frame, frame(STAMP + trap), plain_frame], device=0)


def test_what_stands_where_qn_should_is_not_passed_over(run: Any, frame: Any) -> None:
    heads = ["CN=2011;", "QN=20260301080000123;CN=2011;", "QN=1;MN=BERLIN-1;x=y;CN=2011;"]
    assert_both_ways_agree(run, [frame(STAMP + "a=1", head=head) for head in heads], device=0)
    assert run("hj212", frame(STAMP + "a=1", head=heads[-1])).reasons == ["mn_mismatch"]


def test_the_fast_lane_takes_plain_frames(run: Any, frame: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[bool] = []
    read = FastLane.read
    monkeypatch.setattr(FastLane, "read", lambda *arguments: taken.append(read(*arguments)) or taken[-1])
    run("hj212", good_frame(frame), frame(STAMP + "a-Rtd=1,a-Flag=D;b-Rtd=2;"), frame(STAMP + "a-Rtd=St"), device=-1)
    assert taken == [True, True, False]


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.from_regex(r"[a-z][0-9]{5}", fullmatch=True),
        st.tuples(st.decimals(-1000, 1000, places=3), st.sampled_from("NFMSDCTB")),
        min_size=1,
        max_size=12,
    ),
    st.integers(946_800_000, 4_102_400_000),
)
def test_what_is_written_is_read(run: Any, frame: Any, readings: dict[str, tuple[Any, str]], seconds: int) -> None:
    moment = datetime.fromtimestamp(seconds, ZoneInfo("Asia/Shanghai"))
    cp = ";".join(
        [f"DataTime={moment:%Y%m%d%H%M%S}"]
        + [f"{factor}-Rtd={value},{factor}-Flag={flag}" for factor, (value, flag) in readings.items()]
    )
    got = run("hj212", frame(cp))
    assert got.values == [(f"{factor}-Rtd", float(value), flag) for factor, (value, flag) in readings.items()]
    assert got.times == {seconds * 1000}


@settings(max_examples=150, deadline=None)
@given(st.lists(st.binary(max_size=60) | st.binary(max_size=40).map(lambda inner: b"##0010" + inner), max_size=4))
def test_whatever_comes_nothing_is_raised_and_nothing_lost(run: Any, payloads: list[bytes]) -> None:
    run("hj212", *payloads)
    run("hj212", *payloads, quarantine=(), unknown_devices="accept")


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60), st.binary(max_size=60))
def test_any_bytes_with_a_right_crc_are_read_or_buried(run: Any, frame: Any, head: bytes, cp: bytes) -> None:
    run("hj212", frame(cp), frame(cp, head="CN=2011;MN=BERLIN-1;" + head.decode("latin-1")), device=-1)
