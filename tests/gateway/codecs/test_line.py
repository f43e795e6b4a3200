"""Line protocol: what lines say, escapes and all, and that a bad line falls alone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.codecs.line import LONGEST_PAYLOAD, MOST_BAD_LINES
from gateway.codecs.seam import at_site
from gateway.config import LineFormat
from gateway.stores.influx_lines import Lines

RECEIVED = 1_772_323_205_000  # of the test's block
NOON = 1_772_337_600_000
NS = b"1772337600000000000"


def test_a_line_is_readings_of_its_device_at_its_time(run: Any) -> None:
    got = run("line", b"air,device=stack,site=north a21026=35.2,a34013-Max=4i,up=t " + NS, device=-1)
    assert got.readings == [
        (0, "a21026", "Rtd", "realtime", NOON, 35.2, "N"),
        (0, "a34013", "Max", "realtime", NOON, 4.0, "N"),
        (0, "up", "Rtd", "realtime", NOON, 1.0, "N"),
    ]
    assert got.sink.devices == {0}


def test_each_line_has_its_own_device_and_time(run: Any) -> None:
    got = run("line", b"m,device=stack x=1 " + NS + b"\n\n# a remark\r\n  \nm,device=pond x=2\r\n", device=at_site(1))
    assert got.reasons == ["unknown_device"], "stack is of the other site"
    assert got.readings == [(2, "x", "Rtd", "realtime", RECEIVED, 2.0, "N")]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1", 1.0),
        ("-1.5", -1.5),
        ("+1.", 1.0),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("1.5E-3", 0.0015),
        ("7i", 7.0),
        ("-7i", -7.0),
        ("18446744073709551615u", 18446744073709551615.0),
        ("t", 1.0),
        ("True", 1.0),
        ("FALSE", 0.0),
        ("f", 0.0),
    ],
)
def test_numbers_and_truths_are_values(run: Any, written: str, value: float) -> None:
    assert run("line", f"m x={written}".encode()).values == [("x-Rtd", value, "N")]


@pytest.mark.parametrize(
    "written", ["1_0", "nan", "inf", "-Inf", "0x1", "1e", "1.5i", "yes", "tRUE", "1;2", "१", "--1"]
)
def test_other_values_are_dead_letters(run: Any, written: str) -> None:
    got = run("line", f"m x={written}".encode())
    assert (got.reasons, got.readings) == (["bad_value"], [])


@pytest.mark.parametrize(
    ("precision", "time", "ms"),
    [
        ("ns", "1772337600123999999", NOON + 123),
        ("us", "1772337600123999", NOON + 123),
        ("ms", "1772337600123", NOON + 123),
        ("s", "1772337600", NOON),
        ("ns", "", RECEIVED),
    ],
)
def test_times_are_in_the_unit_of_the_subscription(run: Any, precision: Any, time: str, ms: int) -> None:
    assert run("line", f"m x=1 {time}".encode(), line=LineFormat(precision=precision)).times == {ms}


def test_a_time_in_another_unit_is_refused_and_the_setting_named(run: Any) -> None:
    got = run("line", b"m x=1 1772337600", line=LineFormat(precision="ns"))
    assert got.reasons == ["bad_time"]
    assert "in ns (line.precision)" in got.dead[0].detail


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (r"m\,1\ x,device=stack a\,b=1", "a,b-Rtd"),
        (r"m,device=stack a\=b=1", "a=b-Rtd"),
        (r"m,de\ vice=po\,nd,device=stack a=1", "a-Rtd"),
        ('m,device=stack note="a,b=c d",a=1', "a-Rtd"),
        ('m,device=stack note="say \\"hi\\" \\\\",a=1', "a-Rtd"),
        ('m,device=stack note="two\nlines",a=1', "a-Rtd"),
        ("m,device=stack  a=1   1772337600000000000  ", "a-Rtd"),
        (r"m,device=stack a\b=1", "a\\b-Rtd"),
        ("m,device=stack 温度=1", "温度-Rtd"),
    ],
)
def test_escapes_and_texts_are_read_as_the_protocol_has_them(run: Any, line: str, expected: str) -> None:
    got = run("line", line.encode(), device=-1)
    assert (got.values, got.dead) == ([(expected, 1.0, "N")], [])


@pytest.mark.parametrize(
    ("form", "line"),
    [
        ({}, "m,flag=D,unit=ug/m3,period=hour a21026=1000"),
        ({}, 'm,period=hour a21026=1000,flag="D",unit="ug/m3"'),
        ({"flag_key": "q", "unit_key": "u", "period_key": "p"}, "m,q=D,u=ug/m3,p=hour a21026=1000"),
        ({"factor": "measurement"}, 'a21026,period=hour value=1000,flag="D",unit="ug/m3",other=3'),
        ({"factor": "tag"}, "m,period=hour,factor=a21026,flag=D,unit=ug/m3 value=1000"),
        (
            {"factor": "tag", "factor_key": "code", "value_key": "v"},
            "m,period=hour,code=a21026,flag=D,unit=ug/m3 v=1000",
        ),
    ],
)
def test_factor_flag_unit_and_period_stand_where_the_subscription_says(
    run: Any, form: dict[str, str], line: str
) -> None:
    got = run("line", line.encode(), line=LineFormat.model_validate(form))
    assert got.readings == [(0, "a21026", "Avg", "hour", RECEIVED, 1.0, "D")]


def test_texts_alone_are_a_dead_letter_and_comments_a_sign_of_life(run: Any) -> None:
    got = run("line", b'm note="x"', b"# nothing\n", b"")
    assert (got.reasons, got.sink.alive_only) == (["text_value"], 2)


BAD = [
    ("m", "bad_line", "expected ,tag=value or a blank"),
    ("m ", "bad_line", "expected field=value"),
    (",a=b x=1", "bad_line", "no measurement"),
    (" m x=1", "bad_line", "no measurement"),
    ("m,tag x=1", "bad_line", "expected ,tag=value"),
    ("m,tag= x=1", "bad_line", "expected ,tag=value"),
    ("m x", "bad_line", "expected field=value"),
    ("m x=", "bad_line", "expected field=value"),
    ("m x=1,", "bad_line", "expected field=value or a time at ''"),
    ("m x=1,,y=2", "bad_line", "',y=2'"),
    ("m x=1 soon", "bad_line", "' soon'"),
    ("m x=1 1 2", "bad_line", "expected"),
    ('m x="open', "bad_line", "expected field=value"),
    ("m x=1 99999999999999999999", "bad_line", "expected"),
    ("m,device=pond x=1", "device_mismatch", "names 'stack'"),
    ("m,device=ghost x=1", "device_mismatch", "'ghost'"),
    ("m,period=week x=1", "bad_period", "'week'"),
    ("m,unit=furlong a21026=1", "unit_mismatch", "furlong"),
    ("m a-=1", "bad_factor", "'a-'"),
    ("m \udcff=1", "bad_line", "not UTF-8"),
]


@pytest.mark.parametrize(("line", "reason", "detail"), BAD)
def test_a_bad_line_is_a_dead_letter_of_its_own(run: Any, line: str, reason: str, detail: str) -> None:
    raw = line.encode("utf-8", "surrogateescape")
    got = run("line", b"m x=1\n" + raw + b"\nm y=2")
    (letter,) = got.dead
    assert (letter.reason, letter.payload, letter.position) == (reason, raw, 1000)
    assert detail in letter.detail
    assert [row[1] for row in got.readings] == ["x", "y"], "the other lines are taken"


@pytest.mark.parametrize(
    ("form", "line", "detail"),
    [
        ({"factor": "tag"}, b"m value=1", "no tag 'factor'"),
        ({"factor": "measurement"}, b"m x=1", "no field 'value'"),
    ],
)
def test_a_line_without_factor_or_value_is_a_dead_letter(run: Any, form: Any, line: bytes, detail: str) -> None:
    got = run("line", line, line=LineFormat.model_validate(form))
    assert got.reasons == ["missing_field"]
    assert detail in got.dead[0].detail


def test_a_payload_of_bad_lines_makes_so_many_dead_letters_and_no_more(run: Any) -> None:
    got = run("line", b"m\n" * 5000 + b"m x=1")
    assert len(got.dead) == MOST_BAD_LINES + 1
    assert got.dead[-1].payload == b"m\n" * (5000 - MOST_BAD_LINES) + b"m x=1"


def test_a_payload_over_the_bound_is_not_read(run: Any) -> None:
    assert run("line", b"m x=1\n" * (LONGEST_PAYLOAD // 6 + 1)).reasons == ["too_long"]


def test_what_the_gateway_writes_to_influxdb_it_can_read(run: Any) -> None:
    got = run("json", b'{"v":1,"time":1772337600000,"readings":{"a21026":{"value":35.2,"flag":"D"},"a34013":4}}')
    written = b"\n".join(Lines(got.channels).write(got.sink.readings()))
    again = run("line", written, device=-1, line=LineFormat(precision="ms", factor="tag", value_key="rtd"))
    assert again.readings == got.readings


def escaped(text: str, also: str = "=") -> str:
    for letter in ", " + also:
        text = text.replace(letter, "\\" + letter)
    return text


letters = st.characters(blacklist_characters="\\\n\r#", blacklist_categories=("Cs", "Cc", "Zl", "Zp"))
words = st.text(letters, min_size=1, max_size=6)
keys = words.filter(lambda key: key.isprintable() and " " not in key and "-" not in key and key not in {"flag", "unit"})
numbers = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\r"), max_size=8)


@settings(max_examples=120, deadline=None)
@given(
    words,
    st.dictionaries(words.filter(lambda key: key not in {"device", "flag", "unit", "period"}), words, max_size=3),
    st.dictionaries(keys, numbers, min_size=1, max_size=4),
    texts,
    st.integers(946_684_800_000, 4_133_980_799_999),
)
def test_what_is_written_is_read(
    run: Any, measurement: str, tags: dict[str, str], fields: dict[str, float], note: str, ms: int
) -> None:
    head = escaped(measurement, "") + "".join(f",{escaped(key)}={escaped(value)}" for key, value in tags.items())
    quoted = '"' + note.replace("\\", "\\\\").replace('"', '\\"') + '"'
    body = ",".join([f"zz-note={quoted}", *(f"{escaped(key)}={value!r}" for key, value in fields.items())])
    got = run("line", f"{head},device=stack {body} {ms * 1_000_000}\n".encode(), device=-1)
    assert got.dead == []
    assert [(row[1], row[4], row[5]) for row in got.readings] == [(key, ms, value) for key, value in fields.items()]


scraps = st.lists(st.sampled_from([b"m", b",", b"=", b" ", b'"', b"\\", b"\n", b"1", b"i", b"#", b"\xff", b"x=1"])).map(
    b"".join
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.binary(max_size=60) | scraps, max_size=5))
def test_whatever_comes_nothing_is_raised_and_nothing_lost(run: Any, payloads: list[bytes]) -> None:
    run("line", *payloads)
    run("line", *payloads, line=LineFormat(factor="measurement"))
