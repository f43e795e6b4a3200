"""Line protocol: whatever the names, each line says one point and names can be told from it."""

from __future__ import annotations

import math
import re
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.channels import PERIODS, ChannelKey, Channels
from gateway.flags import NORMAL, PROCESS_MARKS, UNKNOWN, flag_text
from gateway.inventory import Device, Inventory, Name, Site
from gateway.records import Readings
from gateway.stores.influx_lines import Lines, field_key

NOON = 1_719_835_200_000


def channels_for(site: str, device: str, factor: str, field: str, period: str) -> Channels:
    sites = (Site(site, Name("", ""), 0.0, 0.0, ZoneInfo("UTC")),)
    devices = (Device(device, 0, Name("", ""), "", "stack", 1_000, 1_000, ()),)
    channels = Channels(Inventory(sites, devices, (), ()))
    channels.number(ChannelKey(0, factor, field, period))
    return channels


def one(value: float, time: int = NOON, flag: int = NORMAL) -> Readings:
    return Readings(
        np.zeros(1, np.int32),
        np.array([time]),
        np.array([time + 250]),
        np.array([value]),
        np.array([flag], np.uint8),
        np.zeros(1, np.int64),
        np.zeros(1, np.uint8),
    )


def split(text: str, at: str) -> list[str]:
    """Splits at a character that no backslash stands before."""
    return re.findall(rf"(?:^|{at})((?:\\.|[^{at}\\])*)", text, re.DOTALL)


def unescape(text: str) -> str:
    assert not re.search(r"\\[^ ,=]|\\$", text, re.DOTALL), "a backslash that InfluxDB would keep, or that ends a name"
    return unquote(re.sub(r"\\(.)", r"\1", text), errors="surrogatepass")


def parse(line: bytes) -> tuple[str, dict[str, str], dict[str, str], int]:
    """A small reader of line protocol: measurement, tags, raw fields, time."""
    key, fields, time = split(line.decode(), " ")
    measurement, *tags = split(key, ",")
    named = [split(tag, "=") for tag in tags]
    assert all(len(pair) == 2 and all(pair) for pair in named)
    valued = [split(field, "=") for field in split(fields, ",")]
    assert all(len(pair) == 2 and all(pair) for pair in valued)
    return (
        unescape(measurement),
        {unescape(tag): unescape(value) for tag, value in named},
        {unescape(field): value for field, value in valued},
        int(time),
    )


hostile = st.text(st.sampled_from(' ,="\\\n\r\t#%\x00aZ火') | st.characters(codec=None), max_size=8)


@given(hostile, hostile, hostile, hostile, st.sampled_from(PERIODS) | hostile.filter(bool), st.floats(allow_nan=False))
@example("a\\", "b", "c", "Rtd", "realtime", 1.0)
@example("a\nrealtime,site=b rtd=1 1", "", "c\\ ", "received", "#comment", -0.0)
def test_names_and_numbers_come_back_and_nothing_can_be_injected(
    site: str, device: str, factor: str, field: str, period: str, value: float
) -> None:
    lines = Lines(channels_for(site, device, factor, field, period)).write(one(value))
    assert len(lines) == 1
    assert b"\n" not in lines[0]
    assert not lines[0].startswith(b"#")
    measurement, tags, fields, time = parse(lines[0])
    assert (measurement, time) == (period, NOON)
    assert tags == {k: v for k, v in (("site", site), ("device", device), ("factor", factor)) if v}
    assert (fields.pop("flag"), fields.pop("received")) == ('"N"', f"{NOON + 250}i")
    if math.isinf(value):
        assert fields == {}
    else:
        assert list(fields.items()) == [(unquote(field_key(field), errors="surrogatepass"), repr(value))]


@pytest.mark.parametrize(
    ("field", "key"),
    [
        pytest.param("Rtd", "rtd", id="lower case"),
        pytest.param("ZsRtd", "zsrtd", id="a long one of HJ 212"),
        pytest.param("Flag", "flag_", id="not taken for the flag"),
        pytest.param("received", "received_", id="nor for the received time"),
        pytest.param("time", "time_", id="which InfluxDB refuses"),
        pytest.param("", "_", id="none"),
    ],
)
def test_the_field_is_named_by_the_channels_field(field: str, key: str) -> None:
    assert field_key(field) == key


def test_a_line_as_the_documents_show_it() -> None:
    lines = Lines(channels_for("s1", "stack-1", "a21026", "Avg", "minute"))
    assert lines.write(one(35.2)) == [
        b'minute,site=s1,device=stack-1,factor=a21026 avg=35.2,flag="N",received=1719835200250i 1719835200000'
    ]


def test_a_value_that_is_no_number_leaves_flag_and_received_time() -> None:
    lines = Lines(channels_for("s1", "stack-1", "a21026", "Avg", "minute"))
    assert lines.write(one(math.nan, flag=ord("D"))) == [
        b'minute,site=s1,device=stack-1,factor=a21026 flag="D",received=1719835200250i 1719835200000'
    ]


@pytest.mark.parametrize("code", [ord("N"), ord("D"), *PROCESS_MARKS.values(), UNKNOWN])
def test_flags_are_written_as_text(code: int) -> None:
    line = Lines(channels_for("s", "d", "f", "Rtd", "hour")).write(one(1.0, flag=code))[0]
    assert parse(line)[2]["flag"] == f'"{flag_text(code)}"'


def test_no_flag_byte_whatever_breaks_a_line() -> None:
    lines = Lines(channels_for("s", "d", "f", "Rtd", "hour"))
    for code in range(256):
        assert re.fullmatch('"([0-9A-Za-z]+|[?])"', parse(lines.write(one(1.0, flag=code))[0])[2]["flag"])


def test_no_rows_are_no_lines() -> None:
    assert Lines(channels_for("s", "d", "f", "Rtd", "hour")).write(Readings.empty()) == []
