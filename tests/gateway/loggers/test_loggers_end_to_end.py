"""Real frames through journal, codec, pipeline, ledger and DuckDB: what an inspector then knows of the loggers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import small_city

from gateway.alerts.ledger import Ledger
from gateway.alerts.machine import AlertMachine
from gateway.alerts.subjects import Subjects
from gateway.alerts.texts import Texts
from gateway.channels import ChannelKey, Channels
from gateway.checks import Checks
from gateway.codecs import make_codecs
from gateway.codecs.seam import CodecSettings
from gateway.config import Hj212, Subscription
from gateway.config import Journal as JournalSettings
from gateway.decode import Decoder
from gateway.hj212.crc import crc16
from gateway.hj212.keys import DeviceSecrets, KeyRing
from gateway.hj212.sm4 import seal_segment
from gateway.inventory import Hj212Device, Inventory
from gateway.journal.journal import Journal
from gateway.live import Live
from gateway.loggers.regular import Gap
from gateway.loggers.sets import SETTLE_MS
from gateway.loggers.views import LoggerView
from gateway.pipeline import Pipeline
from gateway.records import Batch, Decoded, DeviceEvent
from gateway.stores.duckdb_store import DuckDbStore
from gateway.topics import Router

MN = "010000A8900016F000169DC0"
NOW = small_city.START
"""2026-01-01T08:00:00 on the clock of the site."""
MINUTE = 60_000
KEY = b"0" * 16


def inventory() -> Inventory:
    small = small_city.inventory(hold=0)
    one = replace(small.devices[0], mn=MN, hj212=Hj212Device(minute=10 * MINUTE))
    return Inventory(small.sites, (one, small.devices[1]), small.cameras, small.limits)


def segment(cn: str, cp: str, *, qn: str = "20260101080000000", flag: str = "4", numbers: str = "") -> bytes:
    return f"QN={qn};ST=31;CN={cn};PW=123456;MN={MN};Flag={flag};{numbers}CP=&&{cp}&&".encode()


def framed(body: bytes, crc: int | None = None) -> bytes:
    return b"##%04d%b%04X\r\n" % (len(body), body, crc16(body) if crc is None else crc)


def sulphur(value: float, time: str = "20260101080000", eflag: str = "") -> str:
    return f"DataTime={time};a21026-Rtd={value},a21026-Flag=N" + (f",a21026-EFlag={eflag}" if eflag else "")


class Gateway:
    """The middle of the service with a real store."""

    def __init__(self, folder: Path) -> None:
        expected = inventory()
        self.now = NOW
        self.channels = Channels(expected)
        self.ledger = Ledger(folder / "state.sqlite")
        self.journal = Journal(folder / "journal", JournalSettings(max_mib=16, segment_mib=1), 0)
        self.store = DuckDbStore(folder / "readings.duckdb", self.channels)
        self.told: list[DeviceEvent] = []
        settings = Hj212(set_timeout_s=20)
        router = Router([Subscription(topic="hj212/{site}/{device}", codec="hj212")], expected)
        self.checks = Checks(expected, self.channels, settings)
        self.pipeline = Pipeline(
            Decoder(
                router,
                make_codecs(
                    expected,
                    self.channels,
                    CodecSettings(hj212=settings, keys=KeyRing({MN: DeviceSecrets(keys=((0, KEY),))})),
                ),
            ),
            self.checks,
            Subjects(expected, self.channels),
            AlertMachine([], Texts(expected)),
            self.ledger,
            self,
            Live(expected, 0),
            lambda _: None,
            lambda: self.now,
            on_events=self.told.extend,
        )

    def offer(self, decoded: Decoded) -> None:
        """The store's side: written at once."""
        self.store.write(decoded.readings, decoded.end)

    async def take(self, *payloads: bytes) -> LoggerView:
        batch = Batch("city", self.now, ["hj212/plant/d0"] * len(payloads), list(payloads), {}, lambda: None)
        for block in await self.journal.append([batch]):
            await self.pipeline.process(block)
        return self.known()

    async def later(self, ms: int) -> LoggerView:
        self.now += ms
        await self.pipeline.tick(None)
        return self.known()

    def known(self) -> LoggerView:
        return self.checks.loggers.views([0])[0]

    def stored(self, factor: str = "a21026", field: str = "Rtd", period: str = "realtime") -> list[float]:
        key = ChannelKey(0, factor, field, period)
        return self.store.query(key, 0, 2 * NOW, 1000).value.tolist()


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    made = Gateway(tmp_path)
    await made.pipeline.recover(made.journal)
    yield made
    made.journal.close()
    made.ledger.close()
    made.store.close()


def verdicts(of: LoggerView) -> dict[str, int]:
    return {each.word: each.frames for each in of.verdicts}


async def test_a_frame_sent_three_times_is_stored_once_alerts_once_and_is_two_repeats(gateway: Gateway) -> None:
    same = framed(segment("2011", sulphur(41.5)))
    await gateway.take(same, same)
    known = await gateway.take(same)
    assert gateway.stored() == [41.5]
    (alert,) = gateway.ledger.alerts()
    assert [step.step.value for step in gateway.ledger.history(alert.id)] == ["fired"]
    assert (known.frames, known.repeats, verdicts(known)) == (3, 2, {"repeated": 2})


async def test_a_repeat_without_qn_is_told_by_its_content(gateway: Gateway) -> None:
    bare = segment("2011", sulphur(20.0)).replace(b"QN=20260101080000000;", b"")
    other = segment("2011", sulphur(21.0)).replace(b"QN=20260101080000000;", b"")
    known = await gateway.take(framed(bare), framed(other), framed(bare))
    assert known.repeats == 1
    assert verdicts(known) == {"qn_missing": 3, "repeated": 1}


async def test_a_logger_that_keeps_to_the_standard_has_no_verdict(gateway: Gateway) -> None:
    known = await gateway.take(framed(segment("2011", sulphur(20.0))))
    assert (known.edition, known.verdicts, known.share) == ("2017", [], 0.0)
    assert (known.last.cn, known.last.qn, known.last.time, known.last.link) == (
        "2011",
        "20260101080000000",
        NOW,
        "city",
    )


async def test_ways_to_break_the_standard_are_counted_and_damaged_frames_quarantined(gateway: Gateway) -> None:
    right = segment("2011", sulphur(20.0))
    low = framed(right)[:-6] + framed(right)[-6:].lower()
    bare = right.replace(b"QN=20260101080000000;", b"").replace(b"Flag=4;", b"")
    known = await gateway.take(
        low, framed(bare), framed(right.replace(b"a21026-Rtd", b" a21026-Rtd")), framed(right, 1)
    )
    assert known.frames == 4
    assert known.quarantined == 1
    counted = verdicts(known)
    assert {"qn_missing", "flag_missing", "blanks", "crc_wrong", "crc_lower_case"} <= set(counted)
    assert counted["crc_wrong"] == counted["flag_missing"] == 1
    await gateway.pipeline.commit(snapshot=True)
    assert list(gateway.ledger.counts().dead_letters.values()) == [1]


async def test_packets_with_qns_of_their_own_make_a_set_and_are_stored_at_once(gateway: Gateway) -> None:
    first = segment(
        "2051", "DataTime=20260101075000;a21026-Avg=1.5", qn="20260101080000534", flag="6", numbers="PNUM=2;PNO=1;"
    )
    second = segment(
        "2051", "DataTime=20260101075000;a21002-Avg=2.5", qn="20260101080000535", flag="6", numbers="PNUM=2;PNO=2;"
    )
    known = await gateway.take(framed(first))
    assert gateway.stored(field="Avg", period="minute") == [1.5]
    assert (known.sets_complete, known.sets_open) == (0, 1)
    known = await gateway.take(framed(second))
    assert gateway.stored("a21002", "Avg", "minute") == [2.5]
    assert (known.sets_complete, known.sets_open) == (1, 0)


async def test_a_set_of_which_a_packet_is_lost_is_told_and_its_readings_stay(gateway: Gateway) -> None:
    await gateway.take(framed(segment("2011", sulphur(7.0), flag="6", numbers="PNUM=3;PNO=0002;")))
    known = await gateway.later(20_000 + SETTLE_MS + 1)
    assert known.sets_incomplete == 1
    assert "set_incomplete" in verdicts(known)
    assert [(event.kind, event.items) for event in gateway.told] == [
        ("set_incomplete", (("PNUM", "3"), ("missing", "1,3")))
    ]
    assert gateway.stored() == [7.0]


async def test_missing_minutes_are_a_gap_until_they_come(gateway: Gateway) -> None:
    def minute(time: str) -> bytes:
        return framed(segment("2051", f"DataTime={time};a21026-Avg=1.5,a21026-Flag=N", qn=f"{time}123"))

    known = await gateway.take(minute("20260101072000"), minute("20260101075000"))
    assert known.gaps == [Gap("minute", NOW - 30 * MINUTE, NOW - 10 * MINUTE)]
    await gateway.later(20 * MINUTE)
    assert [alert.subject.rule for alert in gateway.ledger.open_alerts()] == ["gap_minute"]
    known = await gateway.take(minute("20260101073000"), minute("20260101074000"))
    assert known.gaps == []
    await gateway.later(1000)
    assert [alert.subject.rule for alert in gateway.ledger.open_alerts()] == []


async def test_a_start_up_and_a_changed_mark_are_told(gateway: Gateway) -> None:
    await gateway.take(
        framed(segment("2081", "DataTime=20260101080000;RestartTime=20260101075900", qn="20260101080000001")),
        framed(segment("2011", sulphur(20.0, eflag="0000"), qn="20260101080000002")),
        framed(segment("2011", sulphur(20.0, "20260101080030", eflag="0A00"), qn="20260101080030003")),
    )
    await gateway.later(1000)
    assert [(event.kind, event.cn, event.items) for event in gateway.told] == [
        ("message", "2081", (("RestartTime", "20260101075900"),)),
        ("mark", "2011", (("a21026-EFlag", "0A00"),)),
    ]
    assert len(gateway.ledger.device_events("plant", "d0")) == 2


async def test_an_encrypted_frame_of_2025_is_known_as_one(gateway: Gateway) -> None:
    plain = segment("2011", sulphur(20.0), flag="8")
    sealed = seal_segment(plain, KEY)
    known = await gateway.take(b"##%04d%b%04X\r\n" % (len(sealed), sealed, crc16(plain)))
    assert gateway.stored() == [20.0]
    assert (known.edition, known.encrypted, known.last.encrypted) == ("2025", 1, True)
