"""The quirks of the field: each frame is read as well as it can be, and every deviation has its word."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.config import Hj212
from gateway.hj212.crc import crc16
from gateway.hj212.cut import Cut
from gateway.hj212.keys import DeviceSecrets, KeyRing
from gateway.hj212.reader import Parsed, parse_frame
from gateway.hj212.sm4 import seal_segment
from gateway.hj212.stream import cut
from gateway.hj212.verdicts import WORDS, words_of

ZONE = ZoneInfo("Asia/Shanghai")
DOCS = (Path(__file__).parents[3] / "docs" / "hj212.md").read_text("utf-8")

QN = "QN=20260301080000123;"
MN = "MN=010000A8900016F000169DC0;"
HEAD = f"{QN}ST=32;CN=2011;PW=123456;{MN}Flag=4;"
COD = "w01018-Rtd=63.0,w01018-Flag=N"
CP = f"DataTime=20260301120000;{COD}"
GOOD = f"{HEAD}CP=&&{CP}&&".encode()
READ = ["w01018-Rtd=63.0 N"]
KEY, OLD_KEY, NEW_KEY = (bytes([byte]) * 16 for byte in b"012")
HEAD_2025 = HEAD.replace("Flag=4", "Flag=8").replace("MN=01", "MN=25")
MN_2025 = "250000A8900016F000169DC0"
TIMES = (0, 1_767_196_800_000, 1_790_000_000_000)  # always, from 2026-01-01, from September 2026
KEYS = KeyRing(
    {
        "010000A8900016F000169DC1": DeviceSecrets("654321"),
        MN_2025: DeviceSecrets("123456", tuple(zip(TIMES, (OLD_KEY, KEY, NEW_KEY), strict=True))),
    }
)


def framed(segment: bytes | str, crc: bytes | None = None, length: bytes | None = None, end: bytes = b"\r\n") -> bytes:
    """A frame; what is not given is as it should be."""
    if isinstance(segment, str):
        segment = segment.encode()
    length = b"%04d" % len(segment) if length is None else length
    return b"##" + length + segment + (b"%04X" % crc16(segment) if crc is None else crc) + end


def cp(body: str, head: str = HEAD) -> bytes:
    return framed(f"{head}CP=&&{body}&&")


def head(text: str, body: str = CP) -> bytes:
    return cp(body, text)


def with_crc(change: Callable[[bytes], bytes]) -> bytes:
    return framed(GOOD, change(b"%04X" % crc16(GOOD)))


def modbus(segment: bytes) -> int:
    crc = 0xFFFF
    for byte in segment:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def sealed(key: bytes, segment: str = f"{HEAD_2025}CP=&&{CP}&&", *, printed: bool = False, long: bool = False) -> bytes:
    """An encrypted frame with the CRC of its plain text, and its length (`long`: that of the printed form)."""
    plain = segment.encode()
    cipher = seal_segment(plain, key, printed=printed)
    return framed(cipher, b"%04X" % crc16(plain), b"%04d" % len(cipher if long else plain))


def parse(frame: bytes) -> Parsed:
    (piece,) = cut(frame)
    assert isinstance(piece, Cut)
    return parse_frame(piece, keys=KEYS, zone=ZONE)


def read(parsed: Parsed) -> list[str]:
    """Each reading as `factor-Field=text flag`."""
    return [f"{one.factor}-{one.field}={one.text} {one.flag}".rstrip() for one in parsed.packet.readings]


PADDED = next(text for n in range(10_000) if crc16(text := GOOD.replace(b"63.0", b"%d" % n)) < 0x1000)
LONG = ";".join(f"w01{n:03d}-Rtd=63.0,w01{n:03d}-Flag=N" for n in range(33))
SPLIT_HEAD = HEAD.replace("Flag=4;", "Flag=6;PNUM=2;PNO=1;")

CASES: list[tuple[str, bytes, str, list[str] | None]] = [
    # name, frame, verdict words, what was read (None: not looked at)
    ("a frame as it should be", framed(GOOD), "", READ),
    ("a split one", head(SPLIT_HEAD), "", READ),
    ("a frame of the 2025 edition, encrypted", sealed(KEY), "", READ),
    # CRC
    ("CRC wrong, length right", with_crc(lambda crc: b"0BAD"), "crc_wrong", READ),
    ("CRC in lower case", with_crc(lambda crc: b"%04x" % crc16(GOOD)), "crc_lower_case", READ),
    ("leading zero of the CRC lost", framed(PADDED, b"%X" % crc16(PADDED)), "crc_short", None),
    ("CRC bytes swapped", with_crc(lambda crc: crc[2:] + crc[:2]), "crc_swapped", READ),
    ("CRC-16/MODBUS", framed(GOOD, b"%04X" % modbus(GOOD)), "crc_modbus", READ),
    (
        "CRC-16/MODBUS, low byte first",
        framed(GOOD, modbus(GOOD).to_bytes(2, "little").hex().upper().encode()),
        "crc_modbus",
        READ,
    ),
    (
        "CRC of the encrypted segment",
        framed(seal_segment(f"{HEAD_2025}CP=&&{CP}&&".encode(), KEY)),
        "crc_of_ciphertext",
        READ,
    ),
    # Length and end
    ("length wrong by what was added later", framed(GOOD, length=b"0136"), "length_wrong", READ),
    ("length of three digits", framed(GOOD, length=b"%d" % len(GOOD)), "length_digits", READ),
    ("no length", framed(GOOD, length=b""), "length_wrong length_digits", READ),
    ("segment over 1024 bytes", cp(f"DataTime=20260301120000;{LONG}"), "segment_long cp_long code_unknown", None),
    ("CP over 950 bytes in 2017", cp("i11001-Info=//" + "x" * 936 + "//"), "segment_long cp_long", []),
    ("\\r\\r behind the CRC", framed(GOOD, end=b"\r\r"), "line_end", READ),
    ("no line end", framed(GOOD, end=b""), "line_end", READ),
    # Header
    ("QN missing", head(HEAD.removeprefix(QN)), "qn_missing", READ),
    ("Flag missing", head(HEAD.replace("Flag=4;", "")), "flag_missing", READ),
    ("MN longer than the edition allows", head(HEAD.replace("DC0;", "DC0123;")), "header_field mn_form", READ),
    ("PW missing", head(HEAD.replace("PW=123456;", "")), "header_field", READ),
    ("ST empty", head(HEAD.replace("ST=32", "ST=")), "header_field", READ),
    ("a field twice, the last counts", head("ST=31;" + HEAD), "header_field header_order", READ),
    ("a field of no edition", head("X=1;" + HEAD), "header_field", READ),
    ("QN of 14 digits", head(HEAD.replace("080000123", "080000")), "header_field", READ),
    ("QN behind CN", head(HEAD.replace(QN, "").replace("CN=2011;", "CN=2011;" + QN)), "header_order", READ),
    ("Flag last, PNO before PNUM", head(SPLIT_HEAD.replace("PNUM=2;PNO=1;", "PNO=1;PNUM=2;")), "header_order", READ),
    ("names in lower case", head(HEAD.replace("Flag", "flag")), "name_case", READ),
    ("`Flag=4CP=`", head(HEAD[:-1]), "separator", READ),
    ("`,` behind QN", head(HEAD.replace("123;", "123,", 1)), "separator", READ),
    ("`;;` in the header", head(HEAD.replace(";ST", ";;ST")), "separator", READ),
    ("blanks in the header", head(HEAD.replace(";ST", "; ST")), "blanks", READ),
    ("blanks around CP=", framed(GOOD.replace(b"CP=", b"CP = ")), "blanks", READ),
    ("ST of three digits", head(HEAD.replace("ST=32", "ST=101")), "header_field st_unknown", READ),
    ("a private ST", head(HEAD.replace("ST=32", "ST=80")), "st_unknown", READ),
    ("a private command of the data group", head(HEAD.replace("2011", "2063")), "cn_unknown", READ),
    ("a private MN of letters beyond F and _", head(HEAD.replace(MN, "MN=A410000_0001;")), "mn_form", READ),
    (
        "the protocol of surface-water stations",
        head(HEAD.replace("32", "21").replace("=4", "=8")),
        "flag_version",
        READ,
    ),
    # Packets
    ("PNUM and PNO without Flag", head(SPLIT_HEAD.replace("Flag=6;", "")), "flag_missing packet_flag", READ),
    ("PNUM and PNO without its bit 1", head(SPLIT_HEAD.replace("=6", "=4")), "packet_flag", READ),
    ("bit 1 without PNUM", head(HEAD.replace("Flag=4", "Flag=7")), "packet_flag", READ),
    ("numbers padded with zeros", head(SPLIT_HEAD.replace("PNO=1", "PNO=0001")), "packet_flag", READ),
    ("packet 3 of 2", head(SPLIT_HEAD.replace("PNO=1", "PNO=3")), "packet_flag", READ),
    # Items
    ("`;` before the last &&", cp(CP + ";"), "separator", READ),
    ("an empty item", cp(CP.replace(";w", ";;w")), "separator", READ),
    ("`;` between fields of one factor", cp(CP.replace(",w", ";w")), "separator", READ),
    ("`,` between factors", cp(CP + ",w01001-Rtd=7"), "separator", [*READ, "w01001-Rtd=7"]),
    ("no && behind CP", framed(GOOD[:-2]), "separator", READ),
    ("blanks around =", cp(CP.replace("-Rtd=", "-Rtd =")), "blanks", READ),
    ("blanks behind , ; and CP=&&", cp(" " + CP.replace(",", ", ")), "blanks", READ),
    ("a flag twice", cp(CP + ",w01018-Flag=D"), "item_repeated", ["w01018-Rtd=63.0 D"]),
    (
        "one code several times, the last counts",
        cp(f"{CP};{COD};w01018-Rtd=9"),
        "separator item_repeated",
        ["w01018-Rtd=9 N"],
    ),
    ("an item without =", cp(CP + ";rubbish"), "item_unreadable", READ),
    ("a name with a blank within", cp(CP + ";a b-Rtd=1"), "item_unreadable", READ),
    ("an item without -", cp("DataTime=20260301120000;w01018=63.0"), "suffix_missing", ["w01018-Rtd=63.0"]),
    ("a private name", cp("DataTime=20260301120000;PM25=4"), "suffix_missing code_unknown", ["PM25-Rtd=4"]),
    ("a suffix misspelt", cp("DataTime=20260301120000;LA-td=50.1"), "suffix_unknown", ["LA-td=50.1"]),
    ("a private suffix", cp(CP + ",w01018-ValidNum=10"), "suffix_unknown", [*READ, "w01018-ValidNum=10 N"]),
    ("a letter of the code lost", cp("DataTime=20260301120000;01018-Rtd=1"), "code_unknown", ["01018-Rtd=1"]),
    (
        "private codes",
        cp("DataTime=20260301120000;ua19003-Rtd=1;a21026z-Rtd=2"),
        "code_unknown",
        ["ua19003-Rtd=1", "a21026z-Rtd=2"],
    ),
    (
        "the position of the logger",
        cp("DataTime=20260301120000;l01001-Rtd=119.90287"),
        "code_unknown",
        ["l01001-Rtd=119.90287"],
    ),
    ("a field in another case", cp(CP.replace("-Rtd", "-rtd")), "name_case", READ),
    ("DataTime in another case", cp(CP.replace("DataTime", "Datatime")), "name_case", READ),
    ("text for a number", cp(CP.replace("63.0", "over")), "value_text", ["w01018-Rtd=over N"]),
    ("a flag for a number", cp(CP.replace("63.0", "D")), "value_text", ["w01018-Rtd=D N"]),
    ("nothing for a number", cp(CP.replace("63.0", "")), "value_text", ["w01018-Rtd= N"]),
    ("DataTime of 17 digits", cp(CP.replace("120000", "120000123")), "time_form", READ),
    ("DataTime of 12 digits", cp(CP.replace("120000", "1200")), "time_form", READ),
    ("DataTime missing", cp(COD), "time_form", READ),
    ("DataTime of a wrong century", cp(CP.replace("=2026", "=1926")), "time_form", READ),
    ("an empty CP under CN 2011", cp(""), "cp_empty", []),
    ("text in GB 18030", framed(f"{HEAD}CP=&&{CP};i11001-Info=//清洗//&&".encode("gbk")), "text_encoding", READ),
    ("&& within a text", cp(CP + ";i11001-Info=//a&&0BAD b//"), "", READ),
    ("text that holds separators", cp(CP + ";i11001-Info=//a;b=c,d//"), "", READ),
    # Keys and passwords
    ("a wrong password", head(HEAD.replace("DC0;", "DC1;")), "password_wrong", READ),
    ("a 2025 upload in plain text though a key is kept", head(HEAD_2025), "not_encrypted", READ),
    ("a reply in plain text is as it should be", head(HEAD_2025.replace("2011", "9012"), "ExeRtn=1"), "", []),
    ("a heartbeat in plain text is as it should be", head(HEAD_2025.replace("2011", "9015"), ""), "", []),
    ("encrypted with a key that is not kept", sealed(b"?" * 16), "key_unknown", []),
    (
        "encrypted, of an MN without keys",
        sealed(KEY, f"{HEAD_2025}CP=&&{CP}&&".replace("MN=25", "MN=26")),
        "key_unknown",
        [],
    ),
    ("encrypted with the key of before", sealed(OLD_KEY), "key_old", READ),
    ("back-filled with the key of before", sealed(OLD_KEY, f"{HEAD_2025}RF=1;CP=&&{CP}&&"), "", READ),
    ("encrypted with the next key already", sealed(NEW_KEY), "", READ),
    ("printed cipher text with the plain length", sealed(KEY, printed=True), "", READ),
    ("printed cipher text with its own length", sealed(KEY, printed=True, long=True), "", READ),
    ("printed cipher text of a key that is not kept", sealed(b"?" * 16, printed=True), "key_unknown", []),
    ("a right key and a wrong CRC", sealed(KEY)[:-6] + b"0BAD\r\n", "crc_wrong", READ),
]


@pytest.mark.parametrize(("frame", "words", "readings"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_quirk_of_the_field_has_its_words_and_is_read(frame: bytes, words: str, readings: list[str] | None) -> None:
    parsed = parse(frame)
    assert sorted(words_of(parsed.verdicts)) == sorted(words.split())
    if readings is not None:
        assert read(parsed) == readings


def test_every_verdict_of_a_frame_is_shown_by_a_case() -> None:
    """But those that take several frames."""
    shown = {word for case in CASES for word in case[2].split()}
    assert set(WORDS) - shown == {"repeated", "set_incomplete"}


def test_several_frames_and_half_frames_of_one_read_are_told_apart() -> None:
    frames = [
        piece
        for piece in cut(framed(GOOD) * 2 + framed(GOOD, end=b"\r\r") + framed(GOOD)[:50])
        if isinstance(piece, Cut)
    ]
    assert [words_of(parse_frame(piece, zone=ZONE).verdicts) for piece in frames] == [[], [], ["line_end"]]


def test_all_is_kept_of_what_comes_twice() -> None:
    parsed = parse(cp(CP + ";w01018-Rtd=9"))
    assert [value for name, value in parsed.items if name == "w01018-Rtd"] == ["63.0", "9"]


@pytest.mark.parametrize(
    ("sent", "pnum", "pno"),
    [("PNO=0002;PNUM=0002;", 2, 2), ("PNUM=3;PNO=1;", 3, 1), ("PNUM=2;PNO=3;", 0, 0), ("PNUM=2;", 0, 0), ("", 0, 0)],
)
def test_the_numbers_of_packets_decide_not_flag(sent: str, pnum: int, pno: int) -> None:
    for flag in ("", "Flag=4;", "Flag=7;"):
        header = parse(head(HEAD.replace("Flag=4;", flag + sent))).head
        assert (header.pnum, header.pno) == (pnum, pno)


def test_the_table_of_the_document_has_every_word_once_and_says_what_becomes_of_its_frames() -> None:
    table = DOCS.partition("## Verdicts")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \|.*\| (accepted|quarantined) \|$", table, re.MULTILINE)
    assert [word for word, _ in rows] == list(WORDS)
    assert {word for word, fate in rows if fate == "quarantined"} == set(Hj212().quarantine)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200), st.binary(max_size=6), st.booleans())
def test_any_bytes_are_a_frame_that_is_read(segment: bytes, crc: bytes, encrypted: bool) -> None:
    segment = HEAD_2025.encode() + b"CP=&&" + segment + b"&&" if encrypted else segment
    parsed = parse_frame(Cut(segment, segment, crc, b"1", False, False), keys=KEYS, zone=ZONE)
    assert parsed.raw == segment


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(
        st.from_regex(r"[aw]\d{5}", fullmatch=True),
        st.tuples(st.decimals(-1000, 1000, places=3).map(str), st.sampled_from("NFMSDCTB")),
        min_size=1,
        max_size=9,
    ),
    st.booleans(),
)
def test_what_is_written_is_read_encrypted_or_not(readings: dict[str, tuple[str, str]], encrypt: bool) -> None:
    body = ";".join(f"{code}-Rtd={value},{code}-Flag={flag}" for code, (value, flag) in readings.items())
    segment = f"{HEAD_2025}CP=&&DataTime=20260301120000;{body}&&"
    parsed = parse(sealed(KEY, segment) if encrypt else framed(segment))
    assert read(parsed) == [f"{code}-Rtd={value} {flag}" for code, (value, flag) in readings.items()]
    assert set(words_of(parsed.verdicts)) <= {"code_unknown", "not_encrypted"}
    assert (parsed.encrypted, parsed.key_used) == (encrypt, encrypt)
