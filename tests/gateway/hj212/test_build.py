"""Frames we send: replies and requests as each edition has them, read back by the gateway's own reader."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.hj212.build import Answer, QnRtn, make_frame, make_frames, reply_to, request
from gateway.hj212.crc import crc16
from gateway.hj212.cut import Cut
from gateway.hj212.stream import cut

MN = "010000A8900016F000169DC0"
QN = "20160801085857223"


def segment(frame: bytes) -> str:
    """The data segment of one frame; asserts that length, CRC and line end are right."""
    (piece,) = cut(frame)
    assert isinstance(piece, Cut)
    assert piece.length_ok
    assert piece.crc == crc16(piece.segment)
    assert frame == piece.raw.removesuffix(b"\r\n") + b"\r\n"
    return piece.segment.decode()


@pytest.mark.parametrize(
    ("answer", "edition", "result", "expected"),
    [
        (Answer.DATA, "2005", None, f"ST=91;CN=9014;PW=123456;MN={MN};Flag=0;CP=&&QN={QN}&&"),
        (Answer.NOTICE, "2005", None, f"ST=91;CN=9013;PW=123456;MN={MN};Flag=0;CP=&&QN={QN}&&"),
        (
            Answer.REQUEST,
            "2005",
            QnRtn.PASSWORD,
            f"ST=91;CN=9011;PW=123456;MN={MN};Flag=0;CP=&&QN={QN};QnRtn=3&&",
        ),
        (Answer.DATA, "2017", None, f"QN={QN};ST=91;CN=9014;PW=123456;MN={MN};Flag=4;CP=&&&&"),
        (Answer.NOTICE, "2017", None, f"QN={QN};ST=91;CN=9013;PW=123456;MN={MN};Flag=4;CP=&&&&"),
        (Answer.REQUEST, "2017", QnRtn.CRC, f"QN={QN};ST=91;CN=9011;PW=123456;MN={MN};Flag=4;CP=&&QnRtn=9&&"),
        (Answer.DATA, "2025", None, f"QN={QN};ST=91;CN=9014;PW=123456;MN={MN};Flag=8;CP=&&&&"),
        (Answer.REQUEST, "2025", QnRtn.MN, f"QN={QN};ST=91;CN=9011;PW=123456;MN={MN};Flag=8;CP=&&QnRtn=4&&"),
    ],
)
def test_a_reply_has_the_form_of_its_edition(answer: Answer, edition: str, result: QnRtn | None, expected: str) -> None:
    frame = reply_to(answer, qn=QN, edition=edition, pw="123456", mn=MN, result=result)
    assert segment(frame) == expected


def test_2005_says_refused_where_it_has_no_number_for_the_reason() -> None:
    frame = reply_to(Answer.REQUEST, qn=QN, edition="2005", pw="123456", mn=MN, result=QnRtn.CRC)
    assert segment(frame).endswith("CP=&&QN=20160801085857223;QnRtn=2&&")


def test_a_request_is_the_frame_that_the_standard_prints() -> None:
    frame = request("1062", "RtdInterval=30", st="32", pw="100000", mn=MN, qn=QN, edition="2017")
    printed = f"##0101QN={QN};ST=32;CN=1062;PW=100000;MN={MN};Flag=5;CP=&&RtdInterval=30&&1C80\r\n"
    assert frame == printed.encode()


@pytest.mark.parametrize(("edition", "flag"), [("2005", "1"), ("2017", "5"), ("2025", "9")])
def test_a_request_wants_a_reply_unless_told_otherwise(edition: str, flag: str) -> None:
    frame = request("1011", "", st="32", pw="100000", mn=MN, qn=QN, edition=edition)
    assert f";Flag={flag};CP=&&&&" in segment(frame)
    silent = request("2012", "", st="32", pw="100000", mn=MN, qn=QN, edition=edition, flag=4)
    assert ";Flag=4;" in segment(silent)


@given(st.lists(st.binary(max_size=60).filter(lambda data: b"##" not in data), max_size=5))
def test_many_frames_are_the_same_as_each_alone(segments: list[bytes]) -> None:
    frames = make_frames(segments)
    assert frames == [make_frame(one) for one in segments]
    assert all(
        frame[6:-6] == one and int(frame[-6:-2], 16) == crc16(one) for frame, one in zip(frames, segments, strict=True)
    )


def test_a_segment_that_the_length_field_cannot_say_is_refused() -> None:
    assert make_frame(b"x" * 9999)[:6] == b"##9999"
    with pytest.raises(ValueError, match="10000 bytes"):
        make_frame(b"x" * 10_000)
