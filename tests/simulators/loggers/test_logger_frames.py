"""Frames from the centre, cut out of a stream and read."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.hj212.build import QnRtn, reply_to, request
from simulators.formats.hj212.frame import enclose
from simulators.loggers.frames import Cutter, read

MN = "010000A8900016F000169DC0"
QN = "20260101080000123"
COMMAND = request("1062", "RtdInterval=30", st="31", pw="123456", mn=MN, qn=QN, edition="2017")
ANSWERS = {
    edition: reply_to("9011", qn=QN, edition=edition, pw="123456", mn=MN, result=QnRtn.PASSWORD)
    for edition in ("2005", "2017", "2025")
}


def test_what_the_gateway_says_is_read() -> None:
    heard = read(COMMAND)
    assert heard == (QN, "1062", "123456", MN, 5, {"RtdInterval": "30"}, True)
    for frame in ANSWERS.values():
        heard = read(frame)
        assert heard is not None
        assert (heard.qn, heard.cn, heard.items["QnRtn"], heard.crc_right) == (QN, "9011", "3", True)


def test_a_wrong_check_sum_is_seen_and_what_is_no_frame_is_none() -> None:
    heard = read(COMMAND.replace(b"=30", b"=31"))
    assert heard is not None and not heard.crc_right
    for wrong in (b"", b"hello", b"##0010abc", COMMAND[:-8], b"##0004abcdFFFF\r\n"):
        assert read(wrong) is None


def test_numbers_of_no_sane_length_are_read_as_none() -> None:
    assert read(enclose(b"QN=" + b"1" * 9000 + b";ST=31;CN=1011;Flag=5;CP=&&&&")) is None, "an answer would not fit"
    heard = read(enclose(b"QN=1;ST=31;CN=1011;Flag=" + b"9" * 5000 + b";CP=&&&&"))
    assert heard is not None and heard.flag == 0


@given(
    st.lists(st.sampled_from([COMMAND, *ANSWERS.values()]), max_size=6),
    st.lists(st.sampled_from([b"", b"#", b"\r\n", b"junk", b"##x", b"# #"]), min_size=7, max_size=7),
    st.lists(st.integers(1, 60), min_size=1, max_size=40),
)
def test_all_frames_are_found_in_whichever_pieces_they_come(
    frames: list[bytes], between: list[bytes], sizes: list[int]
) -> None:
    stream = b"".join(junk + frame for junk, frame in zip(between, [*frames, b""], strict=False))
    cutter = Cutter()
    found: list[bytes] = []
    at = 0
    while at < len(stream):
        size = sizes[at % len(sizes)]
        found += cutter.feed(stream[at : at + size])
        at += size
    assert found == [frame.removesuffix(b"\r\n") for frame in frames]
