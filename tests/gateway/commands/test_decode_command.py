"""`gateway decode`: frames in, one JSON object a line out."""

from __future__ import annotations

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
from gateway.commands.decode_stream import LONGEST_LINE
from gateway.config import outside_data
from gateway.hj212.crc import crc16
from gateway.hj212.sm4 import seal_segment

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
            "qn": "20260301080000123",
            "flag": 4,
            "edition": "2017",
            "verdicts": ["suffix_missing", "code_unknown", "value_text", "mn_form"],
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
        (b"##" + b"x" * LONGEST_LINE, (), "too_long"),
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


def test_a_frame_is_told_before_the_next_one_comes() -> None:
    code = "import typer; from gateway.commands.decode import command; typer.run(command)"
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=dict(os.environ)
    )
    assert process.stdin is not None
    assert process.stdout is not None
    for _ in range(2):
        process.stdin.write(FRAME)
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["mn"] == "A1"
    process.stdin.close()
    assert process.wait(30) == 0
    process.stdout.close()


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


SM4_KEY = "30" * 16
PLAIN = (
    b"QN=20260301080000123;ST=32;CN=2011;PW=123456;MN=010000A8900016F000169DC0;Flag=9;RF=1;"
    b"CP=&&DataTime=20260301120000;w01018-SampleTime=20260301110000,w01018-Rtd=31.5,w01018-Flag=N,w01018-EFlag=A001&&"
)


def framed(segment: bytes, crc: int | None = None) -> bytes:
    return b"##%04d%b%04X\r\n" % (len(segment), segment, crc16(segment) if crc is None else crc)


@pytest.fixture
def keys(tmp_path: Path) -> str:
    file = tmp_path / "keys.toml"
    file.write_text(f'[devices.010000A8900016F000169DC0]\nkeys = [{{ key = "{SM4_KEY}" }}]\n')
    return str(file)


@pytest.mark.parametrize("printed", [False, True])
def test_an_encrypted_frame_is_opened_with_the_key_of_its_mn(decoded: Decode, keys: str, printed: bool) -> None:
    frame = framed(seal_segment(PLAIN, bytes.fromhex(SM4_KEY), printed=printed), crc16(PLAIN))
    (got,) = decoded(frame, "--keys", keys)
    assert got["readings"] == [
        {
            "factor": "w01018",
            "field": "Rtd",
            "value": 31.5,
            "flag": "N",
            "sample_time": "2026-03-01T03:00:00.000Z",
            "eflag": "A001",
        }
    ]
    assert (got["edition"], got["flag"], got["rf"], got["encrypted"]) == ("2025", 9, True, True)
    assert "verdicts" not in got
    assert "items" not in got


def test_an_encrypted_frame_without_its_key_is_an_error_that_says_so(decoded: Decode) -> None:
    (got,) = decoded(framed(seal_segment(PLAIN, bytes(16)), crc16(PLAIN)))
    assert got == {
        "error": "the frame is encrypted, and no key is known of MN '010000A8900016F000169DC0' (--keys FILE)",
        "reason": "quarantined",
    }


@pytest.mark.parametrize(
    ("crc", "words"),
    [
        (crc16(PLAIN) ^ 1, "has {right:04X}"),
        ((crc16(PLAIN) & 0xFF) << 8 | crc16(PLAIN) >> 8, "has {right:04X} (its two bytes are swapped)"),
    ],
)
def test_a_wrong_crc_is_an_error_that_names_the_mistake_that_fits(decoded: Decode, crc: int, words: str) -> None:
    (got,) = decoded(framed(PLAIN, crc))
    assert got["reason"] == "bad_crc"
    assert got["error"].endswith(words.format(right=crc16(PLAIN)))


def test_parameters_are_items_and_secrets_among_them_are_hidden(decoded: Decode) -> None:
    segment = b"QN=20260301080000123;ST=91;CN=1072;PW=123456;MN=A1;Flag=5;CP=&&NewPW=S3CRET;OverTime=5&&"
    (got,) = decoded(framed(segment))
    assert got["items"] == [{"name": "NewPW", "value": "******"}, {"name": "OverTime", "value": "5"}]


def test_a_code_of_2005_comes_with_that_of_2017(decoded: Decode) -> None:
    segment = b"ST=32;CN=2011;PW=123456;MN=A1;CP=&&DataTime=20260301120000;011-Rtd=31.5&&"
    (got,) = decoded(framed(segment))
    assert got["edition"] == "2005"
    assert got["readings"] == [{"factor": "011", "field": "Rtd", "value": 31.5, "flag": "N", "code": "w01018"}]
    assert decoded(framed(segment), "--edition", "2025")[0]["edition"] == "2025"


def test_the_line_ends_of_a_file_of_lines_are_not_held_against_the_logger(decoded: Decode) -> None:
    assert "line_end" not in decoded(FRAME + b"\n")[0]["verdicts"]
    assert "line_end" in decoded(FRAME + b"\r\r" + FRAME)[0]["verdicts"]


def test_mistakes_in_the_keys_are_told_without_the_secret(app: typer.Typer, tmp_path: Path) -> None:
    file = tmp_path / "keys.toml"
    file.write_text('[devices.A]\nkeys = [{ key = "S3CRET" }]\n')
    result = CliRunner().invoke(app, ["--keys", str(file)])
    assert result.exit_code == 2
    assert "32 hexadecimal digits" in result.output
    assert "S3CRET" not in result.output


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        (
            "en",
            ["carbon monoxide", "real-time data", "data flag: normal", "The CRC is right but written in lower case"],
        ),
        ("zh", ["一氧化碳", "污染物实时数据", "数据标记: 正常", "CRC 正确，但用小写字母书写"]),
    ],
)
def test_explain_tells_a_frame_in_words(app: typer.Typer, language: str, expected: list[str]) -> None:
    segment = SEGMENT.replace(b"q-Flag=F", b"a21005-Rtd=0.7,a21005-Flag=N")
    assert f"{crc16(segment):04X}" == "C181", "a CRC with letters in it"
    frame = framed(segment).replace(b"C181", b"c181")
    result = CliRunner().invoke(app, ["--explain", "--lang", language], input=frame + b"rubbish\n")
    assert result.exit_code == 0
    for words in expected:
        assert words in result.stdout
    assert "123456" not in result.stdout, "the password is not shown"
    assert '"reason":"unknown_format"' in result.stdout, "what is no frame is an object as ever"


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
