"""What frames of all editions bring: readings, items, periods, times and codes, by command and by device."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from detectors.records import NEVER
from gateway.channels import Channels
from gateway.checks import Checks
from gateway.codecs import make_codecs
from gateway.codecs.hj212 import Hj212
from gateway.codecs.hj212_fast import FastLane
from gateway.codecs.hj212_senders import LONGEST_HEADER
from gateway.codecs.seam import CodecSettings, Sink
from gateway.config import Subscription
from gateway.decode import Decoder
from gateway.hj212.crc import crc16
from gateway.hj212.keys import DeviceSecrets, KeyRing
from gateway.hj212.sm4 import seal_segment
from gateway.inventory import Device, Factor, Hj212Device, Inventory, LimitRule, Name, Site
from gateway.records import Block
from gateway.topics import Router

NAME = Name("x", "x")
SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
STAMP = "DataTime=20260301120000;"
NOON = 1_772_337_600_000  # 12:00 in Shanghai
MINUTE, HOUR = 60_000, 3_600_000
QN = "QN=20260301080000123;"
KEY = b"0" * 16
KEYS = KeyRing({"M": DeviceSecrets("123456", ((0, KEY),))})


def stock(*, zone: ZoneInfo = SHANGHAI, codes: str = "", **hj212: Any) -> Inventory:
    """One device of MN `M`, with what is special about it."""
    site = Site("s", NAME, 33.0, 112.0, zone)
    factors = tuple(Factor(code, "", NAME) for code in codes.split())
    device = Device("d", 0, NAME, "M", "stack", 30_000, 90_000, factors, Hj212Device(**hj212))
    return Inventory((site,), (device,), (), ())


def head(cn: str, st: str = "32", flag: str = "Flag=4;", qn: str = QN, **_: Any) -> str:
    return f"{qn}ST={st};CN={cn};PW=123456;MN=M;{flag}"


@pytest.mark.parametrize(
    ("cn", "cp", "readings", "items"),
    [
        ("2011", STAMP + "w01018-Rtd=63,w01018-Flag=N", ["w01018-Rtd realtime 63"], []),
        ("2021", STAMP + "SB1-RS=1;SB2-RS=0", ["SB1-RS realtime 1", "SB2-RS realtime 0"], []),
        ("2031", STAMP + "w01018-Cou=9.5,w01018-Avg=2", ["w01018-Cou day 9.5", "w01018-Avg day 2"], []),
        ("2041", STAMP + "SB1-RT=1.5", ["SB1-RT day 1.5"], []),
        ("2051", STAMP + "w01018-Min=1,w01018-Avg=2", ["w01018-Min minute 1", "w01018-Avg minute 2"], []),
        ("2061", STAMP + "w01018-ZsAvg=2", ["w01018-ZsAvg hour 2"], []),
        ("2071", "AlarmTime=20260301120000;011-Ala=9;AlarmType=1", ["011-Ala realtime 9"], "AlarmTime AlarmType"),
        ("2072", "AlarmTime=20260301120000;011-Ala=9;AlarmType=0", ["011-Ala realtime 9"], "AlarmTime AlarmType"),
        (
            "2013",
            STAMP
            + "w01018-SampleTime=20260301110000,w01018-CompleteTime=20260301115000,w01018-SampleType=2,w01018-Rtd=5",
            [f"w01018-SampleTime realtime {NOON - HOUR}", "w01018-Rtd realtime 5"],
            "w01018-CompleteTime w01018-SampleType",
        ),
        ("2052", STAMP + "Leq-Data=50.5", ["Leq-Data realtime 50.5"], []),
        (
            "2062",
            STAMP + "w01018-SampleRd=9,w01018-StandardValue=10,w01018-ResultType=1",
            ["w01018-SampleRd realtime 9", "w01018-StandardValue realtime 10", "w01018-ResultType realtime 1"],
            [],
        ),
        ("2063", STAMP + "w01018-Rtd=1", ["w01018-Rtd realtime 1"], []),
        ("2081", STAMP + "RestartTime=20260301115900", [], "RestartTime"),
        ("2111", STAMP + "a01901-Avg=850", ["a01901-Avg realtime 850"], []),
        ("2011", STAMP + "w01018-Rtd=5,w01018-EFlag=A01", ["w01018-Rtd realtime 5"], "w01018-EFlag"),
        ("2011", STAMP + "w01018-Rtd=5,w01018-SN=12ab", ["w01018-Rtd realtime 5"], "w01018-SN"),
        ("3015", STAMP + "VaseNo=1", [], "VaseNo"),
        ("3018", "PolId=w01018,Stime=30", [], "PolId Stime"),
        ("3019", "PolId=w01018,w01018-SN=20160801", [], "PolId w01018-SN"),
        (
            "3020",
            STAMP + "PolId=w01018,i11001-Info=//a;b=c//,i12001-Info=1;PolId=w21003,i12001-Info=0",
            ["i12001-Info-w01018 realtime 1", "i12001-Info-w21003 realtime 0"],
            "PolId i11001-Info PolId",
        ),
        ("1001", "i23005-Info=42,i23006-Info=//x//", [], "i23005-Info i23006-Info"),
        ("1011", "SystemTime=20260301120000", [], "SystemTime"),
        ("1013", "PolId=w01018", [], "PolId"),
        ("1021", "011-LowValue=1,011-UpValue=2", [], "011-LowValue 011-UpValue"),
        ("1061", "RtdInterval=30", [], "RtdInterval"),
        ("1063", "MinInterval=10", [], "MinInterval"),
        ("9011", "QnRtn=1", [], "QnRtn"),
        ("9012", "ExeRtn=1", [], "ExeRtn"),
        ("9013", "", [], []),
        ("9014", "", [], []),
        ("9015", "", [], []),
        ("9021", "", [], []),
    ],
)
@pytest.mark.parametrize("edition", ["2005", "2017", "2025"])
def test_every_upload_is_read_in_every_edition(
    run: Any, frame: Any, edition: str, cn: str, cp: str, readings: list[str], items: str | list[str]
) -> None:
    got = run("hj212", frame(cp, head=head(cn)), stock=stock(edition=edition), old_codes="keep")
    assert [f"{one[1]}-{one[2]} {one[3]} {one[5]:.15g}" for one in got.readings] == readings
    (told,) = got.sink.frames
    assert [name for name, _ in told.items] == (items.split() if isinstance(items, str) else items)
    assert (told.taken, told.head.edition, told.head.cn, got.dead) == (True, edition, cn, [])
    assert got.sink.devices == {0}
    assert told.time == (NOON if "Time=202603011200" in cp and "SystemTime" not in cp else NEVER)


def test_items_are_told_with_their_values(run: Any, frame: Any) -> None:
    cp = STAMP + "w01018-Rtd=5,w01018-eflag=A01;i11001-Info=//清洗//"
    got = run("hj212", frame(cp, head=head("2011")), stock=stock())
    assert got.sink.frames[0].items == (("w01018-EFlag", "A01"), ("i11001-Info", "//清洗//"))


@pytest.mark.parametrize(
    ("qn", "cp", "edition", "known", "words"),
    [
        (QN, "QnRtn=1", "2017", b"20260301080000123", []),
        ("", "QN=20260301080000123;QnRtn=1", "2005", b"20260301080000123", []),
        ("", "QN=20260301080000123", "2005", b"20260301080000123", []),
        ("", "QnRtn=1", "2005", b"", ["qn_missing"]),
        ("", "QN=1;QnRtn=1", "2005", b"", ["qn_missing"]),
        ("", "QN=20260301080000123;QnRtn=1", "2017", b"20260301080000123", ["qn_missing"]),
    ],
)
def test_a_reply_of_2005_has_its_qn_in_cp(
    run: Any, frame: Any, qn: str, cp: str, edition: str, known: bytes, words: list[str]
) -> None:
    flag = {"2005": "Flag=0;", "2017": "Flag=4;"}[edition]
    got = run("hj212", frame(cp, head=head("9011", "91", flag, qn)), stock=stock(edition=edition))
    assert got.sink.frames[0].qn == known
    assert [word for word in got.verdicts[0] if word != "mn_form"] == words


@pytest.mark.parametrize(
    ("cn", "stamp", "zone", "shift"),
    [
        ("2011", "20260301120000", SHANGHAI, 0),
        ("2021", "20260301120000", SHANGHAI, 0),
        ("2051", "20260301120000", SHANGHAI, 5 * MINUTE),
        ("2061", "20260301120000", SHANGHAI, HOUR),
        ("2061", "20260301120000123", SHANGHAI, HOUR),
        ("2031", "20260302000000", SHANGHAI, 24 * HOUR),
        ("2041", "20260302000000", SHANGHAI, 24 * HOUR),
        ("2031", "20260330000000", BERLIN, 23 * HOUR),
        ("2031", "20261026000000", BERLIN, 25 * HOUR),
        ("2111", "20260301120000", SHANGHAI, 5 * MINUTE),
    ],
)
@pytest.mark.parametrize("written", ["a-Avg=1", "a-Avg= 1"], ids=["fast", "patient"])
def test_stamps_of_the_end_are_moved_to_the_start_of_the_period(
    run: Any, frame: Any, cn: str, stamp: str, zone: ZoneInfo, shift: int, written: str
) -> None:
    payload = frame(f"DataTime={stamp};{written}", head=head(cn))
    (start,) = run("hj212", payload, stock=stock(zone=zone)).times
    moved = run("hj212", payload, stock=stock(zone=zone, end_stamps=True, minute=5 * MINUTE))
    assert moved.times == {start - shift}
    assert moved.sink.frames[0].time == start - shift


@pytest.mark.parametrize(
    ("edition", "st", "flag", "stored"),
    [("2005", "22", "3", "N"), ("2005", "22", "0", "0"), ("2005", "31", "3", "3"), ("2017", "22", "3", "3")],
)
@pytest.mark.parametrize("value", ["1", " 1"], ids=["fast", "patient"])
def test_the_digits_of_ambient_flags_are_those_of_2005(
    run: Any, frame: Any, edition: str, st: str, flag: str, stored: str, value: str
) -> None:
    got = run(
        "hj212", frame(f"{STAMP}a-Rtd={value},a-Flag={flag}", head=head("2011", st)), stock=stock(edition=edition)
    )
    assert got.values == [("a-Rtd", 1.0, stored)]


@pytest.mark.parametrize(
    ("code", "st", "edition", "old_codes", "expected", "stored"),
    [
        ("011", "32", "2005", "translate", "", "w01018"),
        ("011", "21", "2005", "translate", "w01018", "w01018"),
        ("01", "31", "2005", "translate", "", "a34013"),
        ("S01", "31", "2005", "translate", "", "a19001"),
        ("LA", "23", "2005", "translate", "", "LA"),
        ("011", "31", "2005", "translate", "", "011"),
        ("011", "32", "2017", "translate", "", "011"),
        ("011", "32", "2005", "keep", "", "011"),
        ("011", "32", "2005", "translate", "011", "011"),
        ("999", "32", "2005", "translate", "", "999"),
        ("w01018", "32", "2005", "translate", "", "w01018"),
    ],
)
@pytest.mark.parametrize("value", ["1", " 1"], ids=["fast", "patient"])
def test_codes_of_2005_are_stored_under_those_of_2017(
    run: Any, frame: Any, code: str, st: str, edition: str, old_codes: str, expected: str, stored: str, value: str
) -> None:
    got = run(
        "hj212",
        frame(f"{STAMP}{code}-Rtd={value}", head=head("2011", st)),
        stock=stock(edition=edition, codes=expected),
        old_codes=old_codes,
    )
    assert got.values == [(f"{stored}-Rtd", 1.0, "N")]


def test_a_limit_on_a_code_of_2017_holds_for_a_logger_of_2005() -> None:
    site = Site("s", NAME, 33.0, 112.0, SHANGHAI)
    device = Device("d", 0, NAME, "M", "wastewater", 30_000, 90_000, (Factor("w01018", "mg/L", NAME),))
    rule = LimitRule("s/d/w01018-Rtd/above", 0, "w01018", "Rtd", "realtime", "above", (50.0,), 0, 0.05)
    inventory = Inventory((site,), (device,), (), (rule,))
    channels = Channels(inventory)
    router = Router([Subscription(topic="{site}/{device}", codec="hj212")], inventory)
    decoder = Decoder(router, make_codecs(inventory, channels, CodecSettings()))
    segment = b"ST=32;CN=2011;PW=123456;MN=M;CP=&&DataTime=20260301120000;011-Rtd=63.0,011-Flag=N&&"
    payload = b"##%04d%b%04X\r\n" % (len(segment), segment, crc16(segment))
    decoded = decoder.decode(Block(0, NOON, "link", ["s/d"], [payload]))
    assert decoded.frames[0].head.edition == "2005"
    (finding,) = Checks(inventory, channels).step(decoded)
    assert finding.value == 63.0


@pytest.mark.parametrize(
    ("flag", "st", "mn", "code", "edition"),
    [
        ("Flag=0;", "32", "M", "w01018", "2005"),
        ("Flag=3;", "32", "M", "w01018", "2005"),
        ("Flag=5;", "32", "M", "011", "2017"),
        ("Flag=8;", "32", "M", "011", "2025"),
        ("Flag=9;", "44", "M", "d20105", "2025"),
        ("Flag=8;", "21", "M", "w01018", "2017"),
        ("Flag=60;", "32", "LD130133000015", "011", "2005"),
        ("", "32", "010000A8900016F000169DC0", "011", "2017"),
        ("", "32", "LD130133000015", "w01018", "2017"),
        ("", "32", "LD130133000015", "PM25", "2005"),
        ("", "32", "M", "011", "2005"),
        ("", "32", "M", "B01", "2005"),
        ("", "32", "M", "PM25", "2017"),
    ],
)
def test_the_edition_is_told_by_flag_then_mn_then_codes(
    run: Any, frame: Any, flag: str, st: str, mn: str, code: str, edition: str
) -> None:
    text = head("2011", st, flag).replace("MN=M;", f"MN={mn};")
    payloads = [frame(f"{STAMP}{code}-Rtd={value}", head=text) for value in ("1", " 1")]
    accepted = {"stock": stock(), "unknown_devices": "accept"}
    assert [one.head.edition for one in run("hj212", *payloads, **accepted).sink.frames] == [edition] * 2
    configured = run("hj212", *payloads, stock=stock(edition="2017"), unknown_devices="accept")
    assert [one.head.edition for one in configured.sink.frames] == ["2017"] * 2, "what is configured wins"


def test_one_header_is_one_object_whichever_way_it_is_read(run: Any, frame: Any) -> None:
    payloads = [frame(f"{STAMP}a-Rtd={value}", head=head("2011", qn=f"QN=2026030108000012{n};")) for n, value in
                enumerate(("1", "2", "x", " 3"))]  # fmt: skip
    heads = {id(one.head) for one in run("hj212", *payloads, stock=stock()).sink.frames}
    assert len(heads) == 1


def sealed(frame: Any, cp: str, key: bytes = KEY, cn: str = "2011") -> bytes:
    plain: bytes = frame(cp, head=head(cn, flag="Flag=8;"))
    return plain[:6] + seal_segment(plain[6:-6], key) + plain[-6:]


def test_encrypted_frames_are_read_by_the_fast_lane_as_plain_ones(
    run: Any, frame: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[bool] = []
    read = FastLane.read
    monkeypatch.setattr(FastLane, "read", lambda *arguments: taken.append(read(*arguments)) or taken[-1])
    cp = STAMP + "w01018-Rtd=63,w01018-Flag=N"
    got = run("hj212", sealed(frame, cp), frame(cp, head=head("2011", flag="Flag=8;")), stock=stock(), keys=KEYS)
    assert taken == [True, True]
    assert got.values == [("w01018-Rtd", 63.0, "N")] * 2
    assert got.verdicts == [["mn_form"], ["mn_form", "not_encrypted"]]
    assert [(one.encrypted, one.crc) for one in got.sink.frames] == [
        (True, got.sink.frames[1].crc),
        (False, got.sink.frames[1].crc),
    ]


def test_a_frame_that_no_key_opens_is_quarantined_and_says_no_secret(run: Any, frame: Any) -> None:
    got = run("hj212", sealed(frame, STAMP + "w01018-Rtd=63", b"?" * 16), stock=stock(), keys=KEYS)
    assert (got.readings, got.reasons) == ([], ["quarantined"])
    assert "key_unknown" in got.dead[0].detail
    assert KEY.hex() not in got.dead[0].detail
    (told,) = got.sink.frames
    assert (told.taken, told.encrypted, told.head.device) == (False, True, 0)


STRICT = {"quarantine": ("qn_missing",)}
QUARANTINE: list[tuple[str, str, str, dict[str, Any], str]] = [
    # name, header, items, settings, reason ("": it is taken)
    ("a missing QN is accepted by default", head("2011", qn=""), "a-Rtd=1", {}, ""),
    ("a missing QN is kept out where told so", head("2011", qn=""), "a-Rtd=1", STRICT, "quarantined"),
    ("the same in a frame that wants patience", head("2011", qn=""), "a-Rtd= 1", STRICT, "quarantined"),
    (
        "but not of a device that may",
        head("2011", qn=""),
        "a-Rtd=1",
        {**STRICT, "stock": stock(accept=frozenset(("qn_missing",)))},
        "",
    ),
    ("a wrong password", head("2011").replace("123456", "1"), "a-Rtd=1", {"keys": KEYS}, "quarantined"),
    ("a wrong password of a device that may", head("2011").replace("123456", "1"), "a-Rtd=1",
     {"keys": KEYS, "stock": stock(accept=frozenset(("password_wrong",)))}, ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "items", "settings", "reason"), [c[1:] for c in QUARANTINE], ids=[c[0] for c in QUARANTINE]
)
def test_the_configuration_says_which_verdicts_keep_a_frame_out(
    run: Any, frame: Any, text: str, items: str, settings: dict[str, Any], reason: str
) -> None:
    got = run("hj212", *[frame(STAMP + items, head=text)] * 2, **({"stock": stock()} | settings))
    assert got.reasons == [reason] * 2 * bool(reason)
    assert len(got.readings) == (0 if reason else 2)
    assert [one.taken for one in got.sink.frames] == [not reason] * 2
    assert [one.head.device for one in got.sink.frames] == [0, 0], "verdicts are counted for the device all the same"
    assert [one.time for one in got.sink.frames] == [NOON, NOON]


@pytest.mark.parametrize(
    ("change", "word", "taken"),
    [
        (lambda crc: b"0BAD", "crc_wrong", False),
        (lambda crc: crc[2:] + crc[:2], "crc_swapped", False),
        (lambda crc: crc.lower(), "crc_lower_case", True),
    ],
)
def test_what_of_the_crc_is_quarantined_by_default(run: Any, frame: Any, change: Any, word: str, taken: bool) -> None:
    whole: bytes = next(
        made
        for n in range(99)
        if (made := frame(f"{STAMP}a-Rtd={n}", head=head("2011")))[-6:-2].isalnum()
        and any(c in b"ABCDEF" for c in made[-6:-2])
    )
    got = run("hj212", whole[:-6] + change(whole[-6:-2]) + b"\r\n", stock=stock())
    assert word in got.verdicts[0]
    assert [one.taken for one in got.sink.frames] == [taken]
    assert got.reasons == ([] if taken else ["bad_crc"])


def test_a_header_of_unusual_length_is_read_and_not_remembered(inventory: Any, frame: Any) -> None:
    """Whoever sends must not fill the memory with headers."""
    channels = Channels(inventory)
    codec = Hj212(inventory, channels, CodecSettings())
    head = f"QN=20260301080000123;ST=31;CN=2011;PW={'1' * 2 * LONGEST_HEADER};MN=010000A8900016F000169DC0;Flag=4;"
    payload = frame(STAMP + "a21026-Rtd=35.2,a21026-Flag=N", head=head)
    sink = Sink(Block(0, 1_772_337_600_000, "test", ["t"], [payload]))
    codec.decode([0], [0], sink)
    assert sink.values == [35.2]
    assert len(codec._fast._routes) == 0
