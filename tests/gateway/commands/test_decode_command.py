"""`gateway decode`: frames in, one JSON object a line out."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from gateway.commands import decode
from gateway.config import outside_data
from gateway.hj212.crc import crc16

Out = list[dict[str, Any]]
Decode = Callable[..., Out]

VECTORS = outside_data() / "domain" / "hj212_vectors.jsonl"
SEGMENT = (
    b"QN=20260301080000123;ST=31;CN=2011;PW=123456;MN=A1;Flag=4;"
    b"CP=&&DataTime=20260301120000;a21026-Rtd=35.2,a21026-Flag=D;p-Rtd=St;PM25=7;q-Flag=F&&"
)
FRAME = b"##%04d%b%04X" % (len(SEGMENT), SEGMENT, crc16(SEGMENT))
BAD_CRC = FRAME.replace(b"35.2", b"35.3")


@pytest.fixture(scope="session")
def app() -> typer.Typer:
    made = typer.Typer()
    made.command()(decode.command)
    return made


@pytest.fixture(scope="session")
def decoded(app: typer.Typer) -> Decode:
    """`decoded(lines, *options)`: the objects printed; the status is 0."""

    def run(lines: bytes, *options: str) -> Out:
        result = CliRunner().invoke(app, list(options), input=lines)
        assert result.exit_code == 0, result.output
        return [json.loads(line) for line in result.stdout.splitlines()]

    return run


def test_a_frame_is_its_header_time_and_readings(decoded: Decode) -> None:
    assert decoded(FRAME + b"\r\n") == [
        {
            "mn": "A1",
            "st": "31",
            "cn": "2011",
            "time": "2026-03-01T04:00:00.000Z",
            "readings": [
                {"factor": "a21026", "field": "Rtd", "value": 35.2, "flag": "D"},
                {"factor": "p", "field": "Rtd", "value": None, "flag": "N", "text": "St"},
                {"factor": "PM25", "field": "Rtd", "value": 7.0, "flag": "N"},
                {"factor": "q", "field": "Rtd", "value": None, "flag": "F"},
            ],
        }
    ]


def test_json_is_read_too(decoded: Decode) -> None:
    line = (
        b'{"v":1,"time":"2026-03-01T05:00:00","device":"d7","period":"hour",'
        b'"readings":{"a":1,"b-Max":{"value":null,"flag":"B","unit":"kg"}}}'
    )
    assert decoded(line, "--zone", "Europe/Berlin") == [
        {
            "mn": "d7",
            "st": None,
            "cn": None,
            "time": "2026-03-01T04:00:00.000Z",
            "readings": [
                {"factor": "a", "field": "Avg", "value": 1.0, "flag": "N"},
                {"factor": "b", "field": "Max", "value": None, "flag": "B"},
            ],
        }
    ]


@pytest.mark.parametrize(
    ("line", "options", "reason"),
    [
        (BAD_CRC, (), "bad_crc"),
        (FRAME[:50], (), "truncated_frame"),
        (b"hello", (), "unknown_format"),
        (b"hello", ("--codec", "hj212"), "not_hj212"),
        (b"hello", ("--codec", "json"), "bad_json"),
        (FRAME, ("--codec", "json"), "bad_json"),
        (b'{"v":1,"time":1,"readings":{}}', (), "bad_time"),
        (b'{"v":1,"time":1772337600000,"readings":{"a b":1}}', (), "bad_factor"),
        (b"##0000FFFF", (), "missing_field"),
        (b"##" + b"x" * decode.LONGEST_LINE, (), "too_long"),
    ],
)
def test_a_bad_line_is_an_error_and_the_next_is_read(
    decoded: Decode, line: bytes, options: tuple[str, ...], reason: str
) -> None:
    got = decoded(line + b"\n\n \r\n" + line + b"\n", *options)
    assert [found.keys() for found in got] == [{"error", "reason"}] * 2
    assert {found["reason"] for found in got} == {reason}
    assert all(" " in found["error"] for found in got), "a sentence"


def test_a_wrong_crc_is_read_on_request(decoded: Decode) -> None:
    assert decoded(BAD_CRC, "--accept-bad-crc")[0]["readings"][0]["value"] == 35.3


def test_good_items_are_given_beside_bad_ones(decoded: Decode) -> None:
    segment = b"CN=2011;CP=&&a=1;rubbish&&"
    (got,) = decoded(b"##%04d%b%04X" % (len(segment), segment, crc16(segment)))
    assert (got["time"], got["readings"][0]["value"]) == (None, 1.0)
    assert got["faults"] == [{"error": "CP has the item 'rubbish'; expected name=value", "reason": "bad_item"}]


def test_a_file_is_read_by_its_name(decoded: Decode, tmp_path: Path) -> None:
    file = tmp_path / "frames.txt"
    file.write_bytes(FRAME + b"\n" + FRAME)
    assert len(decoded(b"", str(file))) == 2
    assert len(decoded(FRAME, "-")) == 1


@pytest.mark.parametrize("options", [["--zone", "Mars/Base"], ["--zone", "../x"], ["/no/such/file"], ["--codec", "x"]])
def test_what_the_user_got_wrong_is_told(app: typer.Typer, options: list[str]) -> None:
    assert CliRunner().invoke(app, options).exit_code == 2


def test_a_long_line_is_passed_over_without_being_held() -> None:
    class Endless(io.RawIOBase):
        """64 MiB of one line, then a short one."""

        def __init__(self) -> None:
            self.left = 64 * 1024 * 1024

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            taken = min(len(buffer), self.left)
            if taken == 0:
                return 0
            buffer[:taken] = b"x" * taken
            self.left -= taken
            if self.left == 0:
                buffer[taken - 3 : taken] = b"\nok"
            return taken

    assert list(decode.lines(io.BufferedReader(Endless()))) == [None, b"ok"]


def test_a_reader_that_has_had_enough_is_no_error(tmp_path: Path) -> None:
    file = tmp_path / "frames.txt"
    file.write_bytes((FRAME + b"\n") * 20_000)
    code = "import typer; from gateway.commands.decode import command; typer.run(command)"
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(file)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ)
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert json.loads(process.stdout.readline())["mn"] == "A1"
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(30) == 0
    process.stderr.close()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=60) | st.sampled_from([FRAME, BAD_CRC, b'{"v":1}', b"##", b"{"])))
def test_any_lines_give_objects(decoded: Decode, parts: list[bytes]) -> None:
    for found in decoded(b"\n".join(parts)):
        assert {"error", "reason"} == found.keys() or {"mn", "st", "cn", "time", "readings"} <= found.keys()


@pytest.mark.outside_data
@pytest.mark.skipif(not VECTORS.exists(), reason=f"no field frames at {VECTORS} (GATEWAY_OUTSIDE_DATA)")
def test_field_frames_come_out_one_a_line(decoded: Decode) -> None:
    vectors = [json.loads(line) for line in VECTORS.read_text().splitlines()]
    frames = "\n".join(vector["frame"] for vector in vectors).encode()
    strict = decoded(frames)
    assert ["error" not in found for found in strict] == [vector["crc_ok"] for vector in vectors]
    for found, vector in zip(decoded(frames, "--accept-bad-crc"), vectors, strict=True):
        assert (found["st"], found["cn"]) == (vector["st"], vector["cn"])
