"""Times inside recorded payloads are moved, and nothing else."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from played import stream

from gateway.codecs.jpeg import captured_ms
from simulators import library
from simulators.cameras.exif import with_capture_time
from simulators.formats import hj212, json_v1, senml
from simulators.records import Message, Reading, Report
from simulators.retime import moved

SHANGHAI = ZoneInfo("Asia/Shanghai")
START = 1_767_225_600_000
SHIFTS = st.integers(-(10**8), 10**8)
WRITERS = {
    "2005": hj212.Writer("31", "88888880000001", SHANGHAI, edition="2005"),
    "2017": hj212.Writer("31", "010000A8900016F000169DC0", SHANGHAI, wants_reply=True),
    "json": json_v1.Writer(),
    "iso": json_v1.Writer(SHANGHAI),
    "senml": senml.Writer("d"),
}


@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS)
@given(time=st.integers(START, START + 10**10), seconds=SHIFTS)
def test_a_moved_message_is_what_the_device_would_have_said_then(writer, time: int, seconds: int) -> None:
    readings = [Reading("a21026", {"Rtd": 35.2}, 1), Reading("a34013", {"Rtd": 4.0}, 1, "D")]
    then = time + seconds * 1000
    ((said, _),) = writer.packets(Report(time, time, "realtime", readings))
    ((expected, _),) = writer.packets(Report(then, then, "realtime", readings))
    assert moved(said, seconds) == expected


@pytest.mark.parametrize(("period", "length"), [("minute", 60), ("hour", 3600), ("day", 86_400)])
@given(seconds=SHIFTS)
def test_the_start_of_a_period_stays_one(period, length: int, seconds: int) -> None:
    eight = START - 8 * 3600 * 1000  # midnight in Shanghai
    readings = [Reading("a21026", {"Avg": 35.2}, 1)]
    ((said, _),) = WRITERS["2017"].packets(Report(eight + 90_000_000, eight, period, readings))
    found = moved(said, seconds)
    ((expected, _),) = WRITERS["2017"].packets(
        Report(eight + 90_000_000 + seconds * 1000, eight + seconds // length * length * 1000, period, readings)
    )
    assert found == expected


def test_a_wrong_check_sum_stays_wrong_and_several_frames_and_their_rest_are_kept() -> None:
    ((one, _),) = WRITERS["2017"].packets(Report(START, START, "realtime", [Reading("a21026", {"Rtd": 1.0}, 1)]))
    ((then, _),) = WRITERS["2017"].packets(
        Report(START + 5_000, START + 5_000, "realtime", [Reading("a21026", {"Rtd": 1.0}, 1)])
    )
    wrong = one[:-6] + b"%04x\r\n" % (int(one[-6:-2], 16) ^ 0x0F0F)
    expected = then[:-6] + b"%04x\r\n" % (int(then[-6:-2], 16) ^ 0x0F0F)
    assert moved(one + wrong + b"rest", 5) == then + expected + b"rest"


def test_pictures_are_taken_later() -> None:
    jpeg = with_capture_time(b"\xff\xd8\xff\xd9", START + 123, SHANGHAI)
    assert captured_ms(jpeg, None, 0, SHANGHAI) == START + 123
    found = moved(jpeg, 3_600)
    assert found is not None and captured_ms(found, None, 0, SHANGHAI) == START + 3_600_123


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"hello",
        b'{"a":1}',
        b"[1,2]",
        b'{"time":"soon"}',
        b'[{"bt":5,"v":1}]',
        b"##0010QN=1",
        b"##0030CN=2011;CP=&&DataTime=99999999999999&&FFFF\r\n",
    ],
)
def test_what_has_no_time_to_move_is_told(payload: bytes) -> None:
    assert moved(payload, 60) in (None, payload)


def test_all_of_the_demo_can_be_moved() -> None:
    messages = [item for item in stream(library.load("demo"), 7, START, 65) if isinstance(item, Message)]
    assert messages
    assert all(moved(message.payload, 86_400) for message in messages)


def test_the_zone_letter_stays() -> None:
    said = json.dumps({"v": 1, "time": "2026-01-01T00:00:00Z", "readings": {}}).encode()
    then = datetime.fromtimestamp(START / 1000 + 61, UTC)
    assert moved(said, 61) == said.replace(b"2026-01-01T00:00:00Z", f"{then:%Y-%m-%dT%H:%M:%SZ}".encode())


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)),  # noqa: DTZ001 - the offset is drawn beside it
    st.sampled_from(["", ".5", ".123", ".123456", ",25"]),
    st.sampled_from(["Z", "+08:00", "-03:30", ""]),
    st.sampled_from("T "),
    SHIFTS,
)
def test_fraction_and_offset_of_a_time_stay_as_they_are_written(
    time: datetime, fraction: str, offset: str, between: str, seconds: int
) -> None:
    """Whatever summer time does meanwhile: an offset that is written tells the moment."""
    said, then = (f"{each:%Y-%m-%d}{between}{each:%H:%M:%S}" for each in (time, time + timedelta(seconds=seconds)))
    found = moved(f'{{"time":"{said}{fraction}{offset}"}}'.encode(), seconds)
    assert found == f'{{"time":"{then}{fraction}{offset}"}}'.encode()
