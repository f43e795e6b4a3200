"""The codec that looks: by the first bytes, mixed within a batch."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.channels import Channels
from gateway.codecs import CODECS, make_codecs
from gateway.codecs.auto import format_of
from gateway.codecs.seam import CodecSettings
from gateway.config import JsonMapping, LineFormat, Subscription

JSON = b'{"v":1,"time":1772337600000,"readings":{"a21026":1}}'


@pytest.mark.parametrize(
    ("payload", "format"),
    [
        (b'{"v":1}', "json"),
        (b" \r\n{}", "json"),
        (b"\xef\xbb\xbf{}", "json"),
        (b"##0101QN=", "hj212"),
        (b"\r\n##0101QN=", "hj212"),
        (b"=1&&1C80\r\n##0101QN=", "hj212"),
        (b"", ""),
        (b"hello", ""),
        (b"[1]", ""),
        (b'[{"n":"a21026","v":1}]', "senml"),
        (b' [ {"bn":"ww-01/","bt":1,"bver":10}]', "senml"),
        (b'[{"n":"a","vs":"}"},7', "senml"),
        (b'[{"n":"a","v":1,"x":2}]', ""),
        (b'[{"t":1,"v":1}]', ""),
        (b'[{"n":"a"}]', ""),
        (b'[{"n":{"v":1}}]', ""),
        (b"[{}]", ""),
    ],
)
def test_the_first_bytes_tell(payload: bytes, format: str) -> None:
    assert format_of(payload) == format


def test_formats_may_be_mixed_and_readings_stay_in_journal_order(run: Any, frame: Any) -> None:
    hj212 = frame("DataTime=20260301120000;a34013-Rtd=2")
    got = run("auto", hj212, JSON, b"hello", hj212, b"", JSON)
    assert [row[1] for row in got.readings] == ["a34013", "a21026", "a34013", "a21026"]
    assert got.sink.readings().position.tolist() == [1000, 1001, 1003, 1005]
    assert [(letter.reason, letter.position) for letter in got.dead] == [
        ("unknown_format", 1002),
        ("unknown_format", 1004),
    ]
    assert "b'hello'" in got.dead[0].detail


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=30) | st.just(JSON) | st.binary(max_size=30).map(lambda rest: b"##" + rest)))
def test_whatever_comes_nothing_is_raised_and_nothing_lost(run: Any, payloads: list[bytes]) -> None:
    run("auto", *payloads)


def test_the_registry_makes_one_of_each(inventory: Any) -> None:
    assert make_codecs(inventory, Channels(inventory), CodecSettings()).keys() == CODECS.keys() - {"mapped"}


def test_a_subscription_with_options_has_a_codec_of_its_own(inventory: Any) -> None:
    mapping = JsonMapping(name="vendor-x", factor="name")
    subscriptions = [
        Subscription(topic="a", codec="mapped", mapping="vendor-x"),
        Subscription(topic="b", codec="line"),
        Subscription(topic="c", codec="line", line=LineFormat(precision="s")),
        Subscription(topic="d", codec="jpeg"),
    ]
    made = make_codecs(inventory, Channels(inventory), CodecSettings(), subscriptions, [mapping])
    assert [made[each.codec_key] is made.get("line") for each in subscriptions[:3]] == [False, True, False]
    assert set(made) == {*CODECS, *(each.codec_key for each in subscriptions[:3])} - {"mapped"}
